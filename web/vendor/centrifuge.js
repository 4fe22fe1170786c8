// centrifuge 5.8.0 (MIT), made by vendor.mjs. Do not edit.
// node_modules/centrifuge/build/index.mjs
function __awaiter(thisArg, _arguments, P, generator) {
  function adopt(value) {
    return value instanceof P ? value : new P(function(resolve) {
      resolve(value);
    });
  }
  return new (P || (P = Promise))(function(resolve, reject) {
    function fulfilled(value) {
      try {
        step(generator.next(value));
      } catch (e) {
        reject(e);
      }
    }
    function rejected(value) {
      try {
        step(generator["throw"](value));
      } catch (e) {
        reject(e);
      }
    }
    function step(result) {
      result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected);
    }
    step((generator = generator.apply(thisArg, _arguments || [])).next());
  });
}
function getDefaultExportFromCjs(x) {
  return x && x.__esModule && Object.prototype.hasOwnProperty.call(x, "default") ? x["default"] : x;
}
var events = { exports: {} };
var hasRequiredEvents;
function requireEvents() {
  if (hasRequiredEvents) return events.exports;
  hasRequiredEvents = 1;
  var R = typeof Reflect === "object" ? Reflect : null;
  var ReflectApply = R && typeof R.apply === "function" ? R.apply : function ReflectApply2(target, receiver, args) {
    return Function.prototype.apply.call(target, receiver, args);
  };
  var ReflectOwnKeys;
  if (R && typeof R.ownKeys === "function") {
    ReflectOwnKeys = R.ownKeys;
  } else if (Object.getOwnPropertySymbols) {
    ReflectOwnKeys = function ReflectOwnKeys2(target) {
      return Object.getOwnPropertyNames(target).concat(Object.getOwnPropertySymbols(target));
    };
  } else {
    ReflectOwnKeys = function ReflectOwnKeys2(target) {
      return Object.getOwnPropertyNames(target);
    };
  }
  function ProcessEmitWarning(warning) {
    if (console && console.warn) console.warn(warning);
  }
  var NumberIsNaN = Number.isNaN || function NumberIsNaN2(value) {
    return value !== value;
  };
  function EventEmitter2() {
    EventEmitter2.init.call(this);
  }
  events.exports = EventEmitter2;
  events.exports.once = once;
  EventEmitter2.EventEmitter = EventEmitter2;
  EventEmitter2.prototype._events = void 0;
  EventEmitter2.prototype._eventsCount = 0;
  EventEmitter2.prototype._maxListeners = void 0;
  var defaultMaxListeners = 10;
  function checkListener(listener) {
    if (typeof listener !== "function") {
      throw new TypeError('The "listener" argument must be of type Function. Received type ' + typeof listener);
    }
  }
  Object.defineProperty(EventEmitter2, "defaultMaxListeners", {
    enumerable: true,
    get: function() {
      return defaultMaxListeners;
    },
    set: function(arg) {
      if (typeof arg !== "number" || arg < 0 || NumberIsNaN(arg)) {
        throw new RangeError('The value of "defaultMaxListeners" is out of range. It must be a non-negative number. Received ' + arg + ".");
      }
      defaultMaxListeners = arg;
    }
  });
  EventEmitter2.init = function() {
    if (this._events === void 0 || this._events === Object.getPrototypeOf(this)._events) {
      this._events = /* @__PURE__ */ Object.create(null);
      this._eventsCount = 0;
    }
    this._maxListeners = this._maxListeners || void 0;
  };
  EventEmitter2.prototype.setMaxListeners = function setMaxListeners(n) {
    if (typeof n !== "number" || n < 0 || NumberIsNaN(n)) {
      throw new RangeError('The value of "n" is out of range. It must be a non-negative number. Received ' + n + ".");
    }
    this._maxListeners = n;
    return this;
  };
  function _getMaxListeners(that) {
    if (that._maxListeners === void 0)
      return EventEmitter2.defaultMaxListeners;
    return that._maxListeners;
  }
  EventEmitter2.prototype.getMaxListeners = function getMaxListeners() {
    return _getMaxListeners(this);
  };
  EventEmitter2.prototype.emit = function emit(type) {
    var args = [];
    for (var i = 1; i < arguments.length; i++) args.push(arguments[i]);
    var doError = type === "error";
    var events2 = this._events;
    if (events2 !== void 0)
      doError = doError && events2.error === void 0;
    else if (!doError)
      return false;
    if (doError) {
      var er;
      if (args.length > 0)
        er = args[0];
      if (er instanceof Error) {
        throw er;
      }
      var err = new Error("Unhandled error." + (er ? " (" + er.message + ")" : ""));
      err.context = er;
      throw err;
    }
    var handler = events2[type];
    if (handler === void 0)
      return false;
    if (typeof handler === "function") {
      ReflectApply(handler, this, args);
    } else {
      var len = handler.length;
      var listeners = arrayClone(handler, len);
      for (var i = 0; i < len; ++i)
        ReflectApply(listeners[i], this, args);
    }
    return true;
  };
  function _addListener(target, type, listener, prepend) {
    var m;
    var events2;
    var existing;
    checkListener(listener);
    events2 = target._events;
    if (events2 === void 0) {
      events2 = target._events = /* @__PURE__ */ Object.create(null);
      target._eventsCount = 0;
    } else {
      if (events2.newListener !== void 0) {
        target.emit(
          "newListener",
          type,
          listener.listener ? listener.listener : listener
        );
        events2 = target._events;
      }
      existing = events2[type];
    }
    if (existing === void 0) {
      existing = events2[type] = listener;
      ++target._eventsCount;
    } else {
      if (typeof existing === "function") {
        existing = events2[type] = prepend ? [listener, existing] : [existing, listener];
      } else if (prepend) {
        existing.unshift(listener);
      } else {
        existing.push(listener);
      }
      m = _getMaxListeners(target);
      if (m > 0 && existing.length > m && !existing.warned) {
        existing.warned = true;
        var w = new Error("Possible EventEmitter memory leak detected. " + existing.length + " " + String(type) + " listeners added. Use emitter.setMaxListeners() to increase limit");
        w.name = "MaxListenersExceededWarning";
        w.emitter = target;
        w.type = type;
        w.count = existing.length;
        ProcessEmitWarning(w);
      }
    }
    return target;
  }
  EventEmitter2.prototype.addListener = function addListener(type, listener) {
    return _addListener(this, type, listener, false);
  };
  EventEmitter2.prototype.on = EventEmitter2.prototype.addListener;
  EventEmitter2.prototype.prependListener = function prependListener(type, listener) {
    return _addListener(this, type, listener, true);
  };
  function onceWrapper() {
    if (!this.fired) {
      this.target.removeListener(this.type, this.wrapFn);
      this.fired = true;
      if (arguments.length === 0)
        return this.listener.call(this.target);
      return this.listener.apply(this.target, arguments);
    }
  }
  function _onceWrap(target, type, listener) {
    var state = { fired: false, wrapFn: void 0, target, type, listener };
    var wrapped = onceWrapper.bind(state);
    wrapped.listener = listener;
    state.wrapFn = wrapped;
    return wrapped;
  }
  EventEmitter2.prototype.once = function once2(type, listener) {
    checkListener(listener);
    this.on(type, _onceWrap(this, type, listener));
    return this;
  };
  EventEmitter2.prototype.prependOnceListener = function prependOnceListener(type, listener) {
    checkListener(listener);
    this.prependListener(type, _onceWrap(this, type, listener));
    return this;
  };
  EventEmitter2.prototype.removeListener = function removeListener(type, listener) {
    var list, events2, position, i, originalListener;
    checkListener(listener);
    events2 = this._events;
    if (events2 === void 0)
      return this;
    list = events2[type];
    if (list === void 0)
      return this;
    if (list === listener || list.listener === listener) {
      if (--this._eventsCount === 0)
        this._events = /* @__PURE__ */ Object.create(null);
      else {
        delete events2[type];
        if (events2.removeListener)
          this.emit("removeListener", type, list.listener || listener);
      }
    } else if (typeof list !== "function") {
      position = -1;
      for (i = list.length - 1; i >= 0; i--) {
        if (list[i] === listener || list[i].listener === listener) {
          originalListener = list[i].listener;
          position = i;
          break;
        }
      }
      if (position < 0)
        return this;
      if (position === 0)
        list.shift();
      else {
        spliceOne(list, position);
      }
      if (list.length === 1)
        events2[type] = list[0];
      if (events2.removeListener !== void 0)
        this.emit("removeListener", type, originalListener || listener);
    }
    return this;
  };
  EventEmitter2.prototype.off = EventEmitter2.prototype.removeListener;
  EventEmitter2.prototype.removeAllListeners = function removeAllListeners(type) {
    var listeners, events2, i;
    events2 = this._events;
    if (events2 === void 0)
      return this;
    if (events2.removeListener === void 0) {
      if (arguments.length === 0) {
        this._events = /* @__PURE__ */ Object.create(null);
        this._eventsCount = 0;
      } else if (events2[type] !== void 0) {
        if (--this._eventsCount === 0)
          this._events = /* @__PURE__ */ Object.create(null);
        else
          delete events2[type];
      }
      return this;
    }
    if (arguments.length === 0) {
      var keys = Object.keys(events2);
      var key;
      for (i = 0; i < keys.length; ++i) {
        key = keys[i];
        if (key === "removeListener") continue;
        this.removeAllListeners(key);
      }
      this.removeAllListeners("removeListener");
      this._events = /* @__PURE__ */ Object.create(null);
      this._eventsCount = 0;
      return this;
    }
    listeners = events2[type];
    if (typeof listeners === "function") {
      this.removeListener(type, listeners);
    } else if (listeners !== void 0) {
      for (i = listeners.length - 1; i >= 0; i--) {
        this.removeListener(type, listeners[i]);
      }
    }
    return this;
  };
  function _listeners(target, type, unwrap) {
    var events2 = target._events;
    if (events2 === void 0)
      return [];
    var evlistener = events2[type];
    if (evlistener === void 0)
      return [];
    if (typeof evlistener === "function")
      return unwrap ? [evlistener.listener || evlistener] : [evlistener];
    return unwrap ? unwrapListeners(evlistener) : arrayClone(evlistener, evlistener.length);
  }
  EventEmitter2.prototype.listeners = function listeners(type) {
    return _listeners(this, type, true);
  };
  EventEmitter2.prototype.rawListeners = function rawListeners(type) {
    return _listeners(this, type, false);
  };
  EventEmitter2.listenerCount = function(emitter, type) {
    if (typeof emitter.listenerCount === "function") {
      return emitter.listenerCount(type);
    } else {
      return listenerCount.call(emitter, type);
    }
  };
  EventEmitter2.prototype.listenerCount = listenerCount;
  function listenerCount(type) {
    var events2 = this._events;
    if (events2 !== void 0) {
      var evlistener = events2[type];
      if (typeof evlistener === "function") {
        return 1;
      } else if (evlistener !== void 0) {
        return evlistener.length;
      }
    }
    return 0;
  }
  EventEmitter2.prototype.eventNames = function eventNames() {
    return this._eventsCount > 0 ? ReflectOwnKeys(this._events) : [];
  };
  function arrayClone(arr, n) {
    var copy = new Array(n);
    for (var i = 0; i < n; ++i)
      copy[i] = arr[i];
    return copy;
  }
  function spliceOne(list, index) {
    for (; index + 1 < list.length; index++)
      list[index] = list[index + 1];
    list.pop();
  }
  function unwrapListeners(arr) {
    var ret = new Array(arr.length);
    for (var i = 0; i < ret.length; ++i) {
      ret[i] = arr[i].listener || arr[i];
    }
    return ret;
  }
  function once(emitter, name) {
    return new Promise(function(resolve, reject) {
      function errorListener(err) {
        emitter.removeListener(name, resolver);
        reject(err);
      }
      function resolver() {
        if (typeof emitter.removeListener === "function") {
          emitter.removeListener("error", errorListener);
        }
        resolve([].slice.call(arguments));
      }
      eventTargetAgnosticAddListener(emitter, name, resolver, { once: true });
      if (name !== "error") {
        addErrorHandlerIfEventEmitter(emitter, errorListener, { once: true });
      }
    });
  }
  function addErrorHandlerIfEventEmitter(emitter, handler, flags) {
    if (typeof emitter.on === "function") {
      eventTargetAgnosticAddListener(emitter, "error", handler, flags);
    }
  }
  function eventTargetAgnosticAddListener(emitter, name, listener, flags) {
    if (typeof emitter.on === "function") {
      if (flags.once) {
        emitter.once(name, listener);
      } else {
        emitter.on(name, listener);
      }
    } else if (typeof emitter.addEventListener === "function") {
      emitter.addEventListener(name, function wrapListener(arg) {
        if (flags.once) {
          emitter.removeEventListener(name, wrapListener);
        }
        listener(arg);
      });
    } else {
      throw new TypeError('The "emitter" argument must be of type EventEmitter. Received type ' + typeof emitter);
    }
  }
  return events.exports;
}
var eventsExports = requireEvents();
var EventEmitter = /* @__PURE__ */ getDefaultExportFromCjs(eventsExports);
var errorCodes;
(function(errorCodes2) {
  errorCodes2[errorCodes2["timeout"] = 1] = "timeout";
  errorCodes2[errorCodes2["transportClosed"] = 2] = "transportClosed";
  errorCodes2[errorCodes2["clientDisconnected"] = 3] = "clientDisconnected";
  errorCodes2[errorCodes2["clientClosed"] = 4] = "clientClosed";
  errorCodes2[errorCodes2["clientConnectToken"] = 5] = "clientConnectToken";
  errorCodes2[errorCodes2["clientRefreshToken"] = 6] = "clientRefreshToken";
  errorCodes2[errorCodes2["subscriptionUnsubscribed"] = 7] = "subscriptionUnsubscribed";
  errorCodes2[errorCodes2["subscriptionSubscribeToken"] = 8] = "subscriptionSubscribeToken";
  errorCodes2[errorCodes2["subscriptionRefreshToken"] = 9] = "subscriptionRefreshToken";
  errorCodes2[errorCodes2["transportWriteError"] = 10] = "transportWriteError";
  errorCodes2[errorCodes2["connectionClosed"] = 11] = "connectionClosed";
  errorCodes2[errorCodes2["badConfiguration"] = 12] = "badConfiguration";
  errorCodes2[errorCodes2["subscriptionGetState"] = 13] = "subscriptionGetState";
  errorCodes2[errorCodes2["sharedPollGetSignature"] = 14] = "sharedPollGetSignature";
})(errorCodes || (errorCodes = {}));
var connectingCodes;
(function(connectingCodes2) {
  connectingCodes2[connectingCodes2["connectCalled"] = 0] = "connectCalled";
  connectingCodes2[connectingCodes2["transportClosed"] = 1] = "transportClosed";
  connectingCodes2[connectingCodes2["noPing"] = 2] = "noPing";
  connectingCodes2[connectingCodes2["subscribeTimeout"] = 3] = "subscribeTimeout";
  connectingCodes2[connectingCodes2["unsubscribeError"] = 4] = "unsubscribeError";
})(connectingCodes || (connectingCodes = {}));
var disconnectedCodes;
(function(disconnectedCodes2) {
  disconnectedCodes2[disconnectedCodes2["disconnectCalled"] = 0] = "disconnectCalled";
  disconnectedCodes2[disconnectedCodes2["unauthorized"] = 1] = "unauthorized";
  disconnectedCodes2[disconnectedCodes2["badProtocol"] = 2] = "badProtocol";
  disconnectedCodes2[disconnectedCodes2["messageSizeLimit"] = 3] = "messageSizeLimit";
  disconnectedCodes2[disconnectedCodes2["stateInvalidated"] = 3014] = "stateInvalidated";
})(disconnectedCodes || (disconnectedCodes = {}));
var subscribingCodes;
(function(subscribingCodes2) {
  subscribingCodes2[subscribingCodes2["subscribeCalled"] = 0] = "subscribeCalled";
  subscribingCodes2[subscribingCodes2["transportClosed"] = 1] = "transportClosed";
})(subscribingCodes || (subscribingCodes = {}));
var unsubscribedCodes;
(function(unsubscribedCodes2) {
  unsubscribedCodes2[unsubscribedCodes2["unsubscribeCalled"] = 0] = "unsubscribeCalled";
  unsubscribedCodes2[unsubscribedCodes2["unauthorized"] = 1] = "unauthorized";
  unsubscribedCodes2[unsubscribedCodes2["clientClosed"] = 2] = "clientClosed";
  unsubscribedCodes2[unsubscribedCodes2["stateInvalidated"] = 2502] = "stateInvalidated";
})(unsubscribedCodes || (unsubscribedCodes = {}));
var subscriptionFlags;
(function(subscriptionFlags2) {
  subscriptionFlags2[subscriptionFlags2["channelCompaction"] = 1] = "channelCompaction";
  subscriptionFlags2[subscriptionFlags2["rejectUnrecovered"] = 2] = "rejectUnrecovered";
})(subscriptionFlags || (subscriptionFlags = {}));
var State;
(function(State2) {
  State2["Disconnected"] = "disconnected";
  State2["Connecting"] = "connecting";
  State2["Connected"] = "connected";
})(State || (State = {}));
var SubscriptionState;
(function(SubscriptionState2) {
  SubscriptionState2["Unsubscribed"] = "unsubscribed";
  SubscriptionState2["Subscribing"] = "subscribing";
  SubscriptionState2["Subscribed"] = "subscribed";
})(SubscriptionState || (SubscriptionState = {}));
function startsWith(value, prefix) {
  return value.lastIndexOf(prefix, 0) === 0;
}
function isFunction(value) {
  if (value === void 0 || value === null) {
    return false;
  }
  return typeof value === "function";
}
function log(level, args) {
  if (globalThis.console) {
    const logger = globalThis.console[level];
    if (isFunction(logger)) {
      logger.apply(globalThis.console, args);
    }
  }
}
function randomInt(min, max) {
  return Math.floor(Math.random() * (max - min + 1) + min);
}
function backoff(step, min, max) {
  if (step > 31) {
    step = 31;
  }
  const interval = randomInt(0, Math.min(max, min * Math.pow(2, step)));
  return Math.min(max, min + interval);
}
function errorExists(data) {
  return "error" in data && data.error !== null;
}
function ttlMilliseconds(ttl) {
  return Math.min(ttl * 1e3, 2147483647);
}
function localStorageItem(key) {
  try {
    if (typeof localStorage === "undefined" || localStorage === null || !isFunction(localStorage.getItem)) {
      return null;
    }
    return localStorage.getItem(key);
  } catch (e) {
    return null;
  }
}
function hasOffset(offset) {
  return offset !== void 0 && offset !== null && Number(offset) > 0;
}
function toOffset(offset) {
  if (offset === void 0 || offset === null) {
    return 0;
  }
  if (typeof offset === "object") {
    const low = offset.low;
    const high = offset.high;
    if (typeof low === "number" && typeof high === "number") {
      return (high >>> 0) * 4294967296 + (low >>> 0);
    }
  }
  const value = Number(offset);
  return isNaN(value) ? 0 : value;
}
var MapPhase;
(function(MapPhase2) {
  MapPhase2[MapPhase2["Live"] = 0] = "Live";
  MapPhase2[MapPhase2["Stream"] = 1] = "Stream";
  MapPhase2[MapPhase2["State"] = 2] = "State";
})(MapPhase || (MapPhase = {}));
var BaseSubscription = class extends EventEmitter {
  /** Subscription constructor should not be used directly, create subscriptions using Client method. */
  constructor(centrifuge, channel, options) {
    super();
    this._resubscribeTimeout = null;
    this._refreshTimeout = null;
    this._pendingOffset = null;
    this._removed = false;
    this._getState = null;
    this._map = false;
    this._mapPresenceType = 1;
    this._mapPhase = null;
    this._mapStateBuffer = [];
    this._mapStreamBuffer = [];
    this._mapCursor = "";
    this._mapPageSize = 0;
    this._mapUnrecoverableStrategy = "from_scratch";
    this._mapPositionResets = 0;
    this._subscribeFlow = 0;
    this._refreshGeneration = 0;
    this._sharedPollReplayPending = false;
    this._stateTransitions = 0;
    this._sharedPollQueue = Promise.resolve();
    this._subscribeCallFlow = null;
    this._deferredUnsubscribe = null;
    this._mapFlowRecovering = false;
    this._mapFlowOffset = 0;
    this._mapFlowEpoch = null;
    this._mapFlowPositionResets = 0;
    this._debounceMs = 0;
    this._debouncePending = /* @__PURE__ */ new Map();
    this._sharedPoll = false;
    this._sharedPollEpoch = "";
    this._sharedPollTrackedItems = /* @__PURE__ */ new Map();
    this._sharedPollGetSignature = null;
    this._sharedPollSignatureRefreshTimeout = null;
    this._sharedPollSignatureRefreshAttempts = 0;
    this._sharedPollTrackRetryTimeout = null;
    this._sharedPollTrackRetryAttempts = 0;
    this._sharedPollReplayRetryTimeout = null;
    this._sharedPollReplayRetryAttempts = 0;
    this._sharedPollSignatures = [];
    this._sharedPollSignatureRefreshTargetMs = null;
    this._sharedPollSignatureRefreshInFlight = false;
    this._sharedPollSignatureRefreshAgain = false;
    this._sharedPollSignatureRefreshKeys = /* @__PURE__ */ new Set();
    this.channel = channel;
    this.state = SubscriptionState.Unsubscribed;
    this._centrifuge = centrifuge;
    this._token = "";
    this._getToken = null;
    this._data = null;
    this._getData = null;
    this._recover = false;
    this._offset = null;
    this._epoch = null;
    this._id = 0;
    this._recoverable = false;
    this._positioned = false;
    this._joinLeave = false;
    this._minResubscribeDelay = 500;
    this._maxResubscribeDelay = 2e4;
    this._resubscribeTimeout = null;
    this._resubscribeAttempts = 0;
    this._promises = {};
    this._promiseId = 0;
    this._inflight = false;
    this._refreshTimeout = null;
    this._delta = "";
    this._delta_negotiated = false;
    this._tagsFilter = null;
    this._prevValueMap = /* @__PURE__ */ new Map();
    this._unsubPromise = Promise.resolve();
    this._deltaNumPubs = 0;
    this._deltaNumFull = 0;
    this._deltaNumDelta = 0;
    this._deltaBytesReceived = 0;
    this._deltaBytesDecoded = 0;
    this._setOptions(options);
    this.type = this._sharedPoll ? "shared_poll" : this._map ? "map" : "stream";
    if (this._centrifuge._debugEnabled) {
      this.on("state", (ctx) => {
        this._debug("subscription state", channel, ctx.oldState, "->", ctx.newState);
      });
      this.on("error", (ctx) => {
        this._debug("subscription error", channel, ctx);
      });
    } else {
      this.on("error", function() {
        Function.prototype();
      });
    }
  }
  /** ready returns a Promise which resolves upon subscription goes to Subscribed
   * state and rejects in case of subscription goes to Unsubscribed state.
   * Optional timeout can be passed.*/
  ready(timeout) {
    if (this.state === SubscriptionState.Unsubscribed) {
      return Promise.reject({ code: errorCodes.subscriptionUnsubscribed, message: this.state });
    }
    if (this.state === SubscriptionState.Subscribed) {
      return Promise.resolve();
    }
    return new Promise((res, rej) => {
      const id = this._nextPromiseId();
      const ctx = {
        resolve: res,
        reject: rej
      };
      if (timeout) {
        ctx.timeout = setTimeout(() => {
          delete this._promises[id];
          rej({ code: errorCodes.timeout, message: "timeout" });
        }, timeout);
      }
      this._promises[id] = ctx;
    });
  }
  /** subscribe to a channel.*/
  subscribe() {
    if (this._removed) {
      throw new Error("Subscription to the channel " + this.channel + " was removed from the client");
    }
    if (this._isSubscribed()) {
      return;
    }
    if (this._isUnsubscribed()) {
      this._resubscribeAttempts = 0;
    }
    this._setSubscribing(subscribingCodes.subscribeCalled, "subscribe called");
  }
  /** unsubscribe from a channel, keeping position state.*/
  unsubscribe() {
    this._setUnsubscribed(unsubscribedCodes.unsubscribeCalled, "unsubscribe called", true);
  }
  _debouncedPublish(key, data, isMap) {
    const existing = this._debouncePending.get(key);
    if (existing) {
      existing.data = data;
      existing.dirty = true;
      return Promise.resolve({});
    }
    const entry = { data, dirty: false, timer: null };
    entry.timer = setTimeout(() => {
      const pending = this._debouncePending.get(key);
      if (!pending || !pending.dirty) {
        this._debouncePending.delete(key);
        return;
      }
      pending.dirty = false;
      const sendData = pending.data;
      const sendFn2 = isMap ? this._centrifuge.mapPublish(this.channel, key, sendData) : this._centrifuge.publish(this.channel, sendData);
      sendFn2.catch(() => {
      });
      pending.timer = setTimeout(() => {
        const p = this._debouncePending.get(key);
        if (!p || !p.dirty) {
          this._debouncePending.delete(key);
          return;
        }
        this._debouncePending.delete(key);
        this._debouncedPublish(key, p.data, isMap).catch(() => {
        });
      }, this._debounceMs);
    }, this._debounceMs);
    this._debouncePending.set(key, entry);
    const sendFn = isMap ? this._centrifuge.mapPublish(this.channel, key, data) : this._centrifuge.publish(this.channel, data);
    return sendFn;
  }
  _cancelDebounce(key) {
    const existing = this._debouncePending.get(key);
    if (existing) {
      clearTimeout(existing.timer);
      this._debouncePending.delete(key);
    }
  }
  _cancelAllDebounce() {
    for (const [, entry] of this._debouncePending) {
      clearTimeout(entry.timer);
    }
    this._debouncePending.clear();
  }
  /** get online presence for a channel.*/
  presence() {
    return __awaiter(this, void 0, void 0, function* () {
      yield this._methodCall();
      return this._centrifuge.presence(this.channel);
    });
  }
  /** presence stats for a channel (num clients and unique users).*/
  presenceStats() {
    return __awaiter(this, void 0, void 0, function* () {
      yield this._methodCall();
      return this._centrifuge.presenceStats(this.channel);
    });
  }
  /**
   * Sets server-side tags filter for the subscription.
   * This only applies on the next subscription attempt, not the current one.
   * Cannot be used together with delta option.
   *
   * @param tagsFilter - Filter configuration object or null to remove filter
   * @throws {Error} If both delta and tagsFilter are configured
   *
   * @example
   * ```typescript
   * // Simple equality filter
   * sub.setTagsFilter({
   *   key: 'ticker',
   *   cmp: 'eq',
   *   val: 'BTC'
   * });
   * ```
   *
   * @example
   * ```typescript
   * // Complex filter with logical operators
   * sub.setTagsFilter({
   *   op: 'and',
   *   nodes: [
   *     { key: 'ticker', cmp: 'eq', val: 'BTC' },
   *     { key: 'price', cmp: 'gt', val: '50000' }
   *   ]
   * });
   * ```
   *
   * @example
   * ```typescript
   * // Filter with IN operator
   * sub.setTagsFilter({
   *   key: 'ticker',
   *   cmp: 'in',
   *   vals: ['BTC', 'ETH', 'SOL']
   * });
   * ```
   */
  setTagsFilter(tagsFilter) {
    if (tagsFilter && this._delta) {
      throw new Error("cannot use delta and tagsFilter together");
    }
    this._tagsFilter = tagsFilter;
    if (this._map) {
      this._recover = false;
      this._offset = null;
      this._epoch = null;
      this._mapPositionResets++;
    }
  }
  /** setData allows setting subscription data. This only applied on the next subscription attempt,
   * Note that if getData callback is configured, it will override this value during resubscriptions. */
  setData(data) {
    this._data = data;
  }
  /** deltaStats returns delta compression statistics for this subscription.
   * Only meaningful when delta compression is enabled (delta: 'fossil'). */
  deltaStats() {
    const bytesDecoded = this._deltaBytesDecoded;
    return {
      numPublications: this._deltaNumPubs,
      numFullPayloads: this._deltaNumFull,
      numDeltaPayloads: this._deltaNumDelta,
      bytesReceived: this._deltaBytesReceived,
      bytesDecoded,
      compressionRatio: bytesDecoded > 0 ? 1 - this._deltaBytesReceived / bytesDecoded : 0
    };
  }
  _methodCall() {
    if (this._isSubscribed()) {
      return Promise.resolve();
    }
    if (this._isUnsubscribed()) {
      return Promise.reject({
        code: errorCodes.subscriptionUnsubscribed,
        message: this.state
      });
    }
    return new Promise((resolve, reject) => {
      const timeoutDuration = this._centrifuge._config.timeout;
      const id = this._nextPromiseId();
      const timeout = setTimeout(() => {
        delete this._promises[id];
        reject({ code: errorCodes.timeout, message: "timeout" });
      }, timeoutDuration);
      this._promises[id] = {
        timeout,
        resolve,
        reject
      };
    });
  }
  _nextPromiseId() {
    return ++this._promiseId;
  }
  _needRecover() {
    return this._recover === true;
  }
  _isUnsubscribed() {
    return this.state === SubscriptionState.Unsubscribed;
  }
  _isSubscribing() {
    return this.state === SubscriptionState.Subscribing;
  }
  _isSubscribed() {
    return this.state === SubscriptionState.Subscribed;
  }
  _setState(newState) {
    if (this.state !== newState) {
      const oldState = this.state;
      this.state = newState;
      this._stateTransitions++;
      this.emit("state", { newState, oldState, channel: this.channel });
      return true;
    }
    return false;
  }
  _usesToken() {
    return this._token !== "" || this._getToken !== null;
  }
  _clearSubscribingState() {
    this._resubscribeAttempts = 0;
    this._clearResubscribeTimeout();
  }
  _clearSubscribedState() {
    this._clearRefreshTimeout();
    this._refreshGeneration++;
    this._cancelAllDebounce();
    this._clearSharedPollSignatureRefresh();
    this._clearSharedPollTrackRetry();
    this._clearSharedPollReplayRetry();
    this._sharedPollSignatureRefreshTargetMs = null;
    this._sharedPollSignatureRefreshInFlight = false;
    this._sharedPollSignatureRefreshAgain = false;
  }
  /** Called on "state invalidated" — unsubscribe code 2502 for this channel,
   *  or connection disconnect code 3014. Clears the token when getToken is set
   *  (next subscribe fetches a fresh one) and the fossil delta base (every
   *  subscription type uses _prevValueMap; a stale base would corrupt decoding
   *  of the first publication after re-subscribe).
   *
   *  Without getToken there is no new token to get: the subscription keeps the
   *  token it has (or none) and resubscribes with it. The server rejects it if
   *  it's no longer valid.
   *
   *  Map subscriptions restart from scratch: their recovery position and
   *  materialized-state buffers are dropped so the next subscribe does a full
   *  STATE re-sync.
   *
   *  Stream/shared-poll subscriptions instead reset the recovery position to a
   *  sentinel epoch ("_") the server can never match (offset 0), leaving
   *  _recover untouched: a recoverable subscription then resubscribes with
   *  was_recovering=true, recovered=false (so the app reloads via its existing
   *  recovery-failure path rather than treating it as a brand-new first
   *  subscribe), while a non-recoverable one simply resubscribes. The real
   *  epoch/offset are adopted from the subscribe reply. */
  _invalidateState() {
    if (this._getToken !== null) {
      this._token = "";
    }
    this._prevValueMap = /* @__PURE__ */ new Map();
    if (this._map) {
      this._offset = null;
      this._epoch = null;
      this._recover = false;
      this._mapPositionResets++;
      this._mapStateBuffer = [];
      this._mapStreamBuffer = [];
      this._mapCursor = "";
      this._mapPhase = null;
    } else if (this._offset !== null) {
      this._offset = 0;
      this._epoch = "_";
    }
  }
  _setSubscribed(result) {
    if (!this._isSubscribing()) {
      return;
    }
    this._clearSubscribingState();
    if (result.id) {
      this._id = result.id;
    }
    if (result.recoverable) {
      this._recover = true;
      this._offset = toOffset(result.offset);
      this._epoch = result.epoch || "";
    } else {
      this._recover = false;
    }
    if (result.delta) {
      this._delta_negotiated = true;
    } else {
      this._delta_negotiated = false;
    }
    if (result.publish_debounce) {
      this._debounceMs = result.publish_debounce;
    }
    if (this._sharedPoll) {
      const newEpoch = result.epoch || "";
      if (this._sharedPollEpoch !== "" && this._sharedPollEpoch !== newEpoch) {
        for (const key of this._sharedPollTrackedItems.keys()) {
          this._sharedPollTrackedItems.set(key, 0);
        }
      }
      this._sharedPollEpoch = newEpoch;
    }
    this._setState(SubscriptionState.Subscribed);
    if (!this._isSubscribed()) {
      return;
    }
    const ctx = this._centrifuge._getSubscribeContext(this.channel, result);
    this.emit("subscribed", ctx);
    if (!this._isSubscribed()) {
      return;
    }
    this._resolvePromises();
    const pubs = result.publications || [];
    for (let i = 0; i < pubs.length && this._isSubscribed(); i++) {
      this._handlePublication(pubs[i]);
    }
    if (result.expires === true && this._isSubscribed()) {
      this._refreshTimeout = setTimeout(() => this._refresh(), ttlMilliseconds(result.ttl));
    }
  }
  _setSubscribing(code, reason) {
    return __awaiter(this, void 0, void 0, function* () {
      if (this._isSubscribing()) {
        return;
      }
      if (this._isSubscribed()) {
        this._clearSubscribedState();
      }
      this._id = 0;
      const transition = this._stateTransitions + 1;
      if (this._setState(SubscriptionState.Subscribing) && this._stateTransitions === transition) {
        this.emit("subscribing", { channel: this.channel, code, reason });
      }
      if (this._centrifuge._transport && this._centrifuge._transport.emulation()) {
        yield this._unsubPromise;
        yield this._centrifuge._removedSubscriptionUnsubscribed(this.channel);
        yield this._sharedPollQueue;
      }
      if (!this._isSubscribing()) {
        return;
      }
      this._subscribe();
    });
  }
  _subscribe() {
    this._debug("subscribing on", this.channel);
    if (!this._isTransportOpen()) {
      this._debug("delay subscribe on", this.channel, "till connected");
      return null;
    }
    if (this._inflight) {
      return null;
    }
    this._inflight = true;
    if (this._map) {
      this._mapSubscribe();
      return null;
    }
    const flow = this._subscribeFlow;
    if (this._getState && this._offset === null) {
      this._loadStreamState(flow);
      return null;
    }
    if (this._canSubscribeWithoutGettingToken()) {
      return this._subscribeWithoutToken(flow);
    }
    this._getSubscriptionToken().then((token) => this._handleTokenResponse(token, flow)).catch((e) => this._handleTokenError(e, flow));
    return null;
  }
  _flowOutdated(flow) {
    return flow !== this._subscribeFlow;
  }
  // Over emulation commands go in separate requests the server may handle in any
  // order: an unsubscribe of a subscribe in flight could overtake it, and the
  // server would keep the subscription. The unsubscribe waits for the
  // subscribe's reply then.
  _mustDeferUnsubscribe() {
    const transport = this._centrifuge._transport;
    return this._subscribeCallFlow === this._subscribeFlow && !!transport && transport.emulation();
  }
  // Called first by the reply handlers of a subscribe command or map page. True
  // when the reply belongs to a subscribe whose unsubscribe was deferred, which is
  // handled here: the unsubscribe goes out if the subscribe succeeded. A timeout
  // leaves unknown whether the server subscribed: the client reconnects.
  _settleSubscribeCall(flow, ok, error) {
    if (this._subscribeCallFlow === flow) {
      this._subscribeCallFlow = null;
    }
    const deferred = this._deferredUnsubscribe;
    if (deferred === null || deferred.flow !== flow) {
      return false;
    }
    this._deferredUnsubscribe = null;
    if (ok) {
      this._centrifuge._unsubscribe(this).then(deferred.resolve);
      return true;
    }
    deferred.resolve();
    if (error && error.code === errorCodes.timeout) {
      this._centrifuge._disconnect(connectingCodes.subscribeTimeout, "subscribe timeout", true);
    }
    return true;
  }
  _isTransportOpen() {
    return this._centrifuge._transportIsOpen;
  }
  _canSubscribeWithoutGettingToken() {
    return !this._usesToken() || !!this._token;
  }
  _subscribeWithoutToken(flow) {
    if (this._getData) {
      this._getDataAndSubscribe(this._token, flow);
      return null;
    } else {
      return this._sendSubscribe(this._token);
    }
  }
  /** Load stream position from app via getState callback, then proceed to subscribe
   * with recovery from that position. Called only when _offset is null:
   * - Initial subscribe (no saved position)
   * - After position reset due to failed recovery (see _setSubscribed)
   *
   * NOT called on normal reconnects where the SDK has a saved position — in that
   * case recovery is attempted first, and getState is only invoked if recovery fails.
   *
   * The app's getState callback should:
   * 1. Read cf_stream_top_position (or equivalent) FIRST to capture the stream position
   * 2. Then read its own data from the database/API
   * 3. Render/update the UI
   * 4. Return the captured stream position
   *
   * This order is critical: reading position first ensures it's a lower bound.
   * Recovered publications may overlap with data the app already loaded — this
   * requires idempotent updates or offset-based dedup. */
  _loadStreamState(flow) {
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    this._callAsync(() => this._getState()).then((result) => {
      if (this._flowOutdated(flow)) {
        return;
      }
      if (!this._isSubscribing()) {
        this._inflight = false;
        return;
      }
      this._offset = toOffset(result.offset);
      this._epoch = result.epoch;
      this._recover = true;
      if (this._canSubscribeWithoutGettingToken()) {
        this._subscribeWithoutToken(flow);
      } else {
        this._getSubscriptionToken().then((token) => this._handleTokenResponse(token, flow)).catch((e) => this._handleTokenError(e, flow));
      }
    }).catch((e) => {
      if (this._flowOutdated(flow)) {
        return;
      }
      if (!this._isSubscribing()) {
        this._inflight = false;
        return;
      }
      this._inflight = false;
      this._subscribeError({
        code: errorCodes.subscriptionGetState,
        message: (e === null || e === void 0 ? void 0 : e.toString()) || "getState failed",
        temporary: true
      });
    });
  }
  _getDataAndSubscribe(token, flow) {
    if (!this._getData) {
      this._inflight = false;
      return;
    }
    this._callAsync(() => this._getData({ channel: this.channel })).then((data) => {
      if (this._flowOutdated(flow)) {
        return;
      }
      if (!this._isSubscribing()) {
        this._inflight = false;
        return;
      }
      this._data = data;
      this._sendSubscribe(token);
    }).catch((e) => this._handleGetDataError(e, flow));
  }
  _handleGetDataError(error, flow) {
    if (this._flowOutdated(flow)) {
      return;
    }
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    if (error instanceof UnauthorizedError) {
      this._inflight = false;
      this._failUnauthorized();
      return;
    }
    this._emitError({
      type: "subscribeData",
      channel: this.channel,
      error: {
        code: errorCodes.badConfiguration,
        message: (error === null || error === void 0 ? void 0 : error.toString()) || ""
      }
    }, () => {
      this._inflight = false;
      this._scheduleResubscribe();
    });
  }
  _handleTokenResponse(token, flow) {
    if (this._flowOutdated(flow)) {
      return;
    }
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    if (!token) {
      this._inflight = false;
      this._failUnauthorized();
      return;
    }
    this._token = token;
    if (this._getData) {
      this._getDataAndSubscribe(token, flow);
    } else {
      this._sendSubscribe(token);
    }
  }
  _handleTokenError(error, flow) {
    if (this._flowOutdated(flow)) {
      return;
    }
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    if (error instanceof UnauthorizedError) {
      this._inflight = false;
      this._failUnauthorized();
      return;
    }
    this._emitError({
      type: "subscribeToken",
      channel: this.channel,
      error: {
        code: errorCodes.subscriptionSubscribeToken,
        message: (error === null || error === void 0 ? void 0 : error.toString()) || ""
      }
    }, () => {
      this._inflight = false;
      this._scheduleResubscribe();
    });
  }
  _sendSubscribe(token) {
    if (!this._isTransportOpen()) {
      this._inflight = false;
      return null;
    }
    const cmd = this._buildSubscribeCommand(token);
    const flow = this._subscribeFlow;
    this._subscribeCallFlow = flow;
    this._centrifuge._call(cmd).then((resolveCtx) => {
      try {
        if (this._settleSubscribeCall(flow, true)) {
          return;
        }
        if (flow !== this._subscribeFlow) {
          return;
        }
        this._inflight = false;
        this._handleSubscribeResponse(resolveCtx.reply.subscribe);
      } catch (err) {
        this._centrifuge._dispatchFailed(err);
      } finally {
        if (resolveCtx.next) {
          resolveCtx.next();
        }
      }
    }, (rejectCtx) => {
      try {
        if (this._settleSubscribeCall(flow, false, rejectCtx.error)) {
          return;
        }
        if (flow !== this._subscribeFlow) {
          return;
        }
        this._inflight = false;
        this._handleSubscribeError(rejectCtx.error);
      } catch (err) {
        this._centrifuge._rejectionFailed(err, rejectCtx);
      } finally {
        if (rejectCtx.next) {
          rejectCtx.next();
        }
      }
    });
    return cmd;
  }
  _buildSubscribeCommand(token) {
    const req = { channel: this.channel };
    if (token)
      req.token = token;
    if (this._data)
      req.data = this._data;
    if (this._sharedPoll) {
      req.type = 4;
      if (this._delta)
        req.delta = this._delta;
      return { subscribe: req };
    }
    if (this._positioned)
      req.positioned = true;
    if (this._recoverable)
      req.recoverable = true;
    if (this._joinLeave)
      req.join_leave = true;
    req.flag = subscriptionFlags.channelCompaction;
    if (this._getState) {
      req.flag |= subscriptionFlags.rejectUnrecovered;
    }
    if (this._needRecover()) {
      req.recover = true;
      const offset = this._getOffset();
      if (offset)
        req.offset = offset;
      const epoch = this._getEpoch();
      if (epoch)
        req.epoch = epoch;
    }
    if (this._delta)
      req.delta = this._delta;
    if (this._tagsFilter)
      req.tf = this._tagsFilter;
    return { subscribe: req };
  }
  _debug(...args) {
    this._centrifuge._debug(...args);
  }
  /** @internal An exception escaping a handler stops the client: see Centrifuge._handlerFailed. */
  emit(event, ...args) {
    try {
      return EventEmitter.prototype.emit.call(this, event, ...args);
    } catch (e) {
      this._centrifuge._handlerFailed(e);
      return true;
    }
  }
  _handleSubscribeError(error) {
    if (!this._isSubscribing()) {
      return;
    }
    if (error.code === errorCodes.connectionClosed) {
      return;
    }
    if (error.code === errorCodes.timeout) {
      this._centrifuge._disconnect(connectingCodes.subscribeTimeout, "subscribe timeout", true);
      return;
    }
    if (error.code === 112 && this._getState) {
      this._offset = null;
      this._epoch = null;
      this._recover = false;
      this._prevValueMap = /* @__PURE__ */ new Map();
      this._scheduleResubscribe();
      return;
    }
    this._subscribeError(error);
  }
  _handleSubscribeResponse(result) {
    if (!this._isSubscribing()) {
      return;
    }
    this._sharedPollReplayPending = this._sharedPoll;
    try {
      this._setSubscribed(result);
    } finally {
      this._sharedPollReplayPending = false;
    }
    if (this._sharedPoll) {
      this._sharedPollReplayTrack();
    }
  }
  _setUnsubscribed(code, reason, sendUnsubscribe) {
    if (this._isUnsubscribed()) {
      return Promise.resolve();
    }
    let promise = Promise.resolve();
    if (this._isSubscribed()) {
      if (sendUnsubscribe) {
        promise = this._unsubPromise = this._centrifuge._unsubscribe(this);
      }
      this._clearSubscribedState();
    } else if (this._isSubscribing()) {
      if (this._inflight && sendUnsubscribe) {
        if (this._mustDeferUnsubscribe()) {
          const flow = this._subscribeFlow;
          promise = this._unsubPromise = new Promise((resolve) => {
            this._deferredUnsubscribe = { flow, resolve };
          });
        } else {
          promise = this._unsubPromise = this._centrifuge._unsubscribe(this);
        }
      }
      this._clearSubscribingState();
    }
    this._inflight = false;
    this._subscribeFlow++;
    this._id = 0;
    this._sharedPollEpoch = "";
    this._sharedPollSignatures = [];
    this._sharedPollTrackedItems.clear();
    this._sharedPollSignatureRefreshInFlight = false;
    this._sharedPollSignatureRefreshAgain = false;
    this._sharedPollSignatureRefreshTargetMs = null;
    this._cancelAllDebounce();
    this._rejectPromises({ code: errorCodes.subscriptionUnsubscribed, message: SubscriptionState.Unsubscribed });
    const transition = this._stateTransitions + 1;
    if (this._setState(SubscriptionState.Unsubscribed) && this._stateTransitions === transition) {
      this.emit("unsubscribed", { channel: this.channel, code, reason });
    }
    return promise;
  }
  _handlePublication(pub) {
    if (this._sharedPoll && pub.key && !pub.removed && hasOffset(pub.version)) {
      const known = this._sharedPollTrackedItems.get(pub.key);
      if (known !== void 0 && known > 0 && toOffset(pub.version) <= known) {
        return;
      }
    }
    if (this._delta && this._delta_negotiated) {
      const deltaKey = this._map || this._sharedPoll ? pub.key || "" : "";
      if (pub.removed) {
        this._prevValueMap.delete(deltaKey);
      } else {
        const { newData, newPrevValue, isDelta, wireBytes, fullBytes } = this._centrifuge._codec.applyDeltaIfNeeded(pub, this._prevValueMap.get(deltaKey));
        pub.data = newData;
        this._deltaNumPubs++;
        this._deltaBytesReceived += wireBytes;
        this._deltaBytesDecoded += fullBytes;
        if (isDelta) {
          this._deltaNumDelta++;
        } else {
          this._deltaNumFull++;
        }
        this._prevValueMap.set(deltaKey, newPrevValue);
      }
    }
    let ctx;
    if (this._sharedPoll) {
      if (pub.key && !this._sharedPollTrackedItems.has(pub.key)) {
        return;
      }
      ctx = this._getSharedPollUpdateContext(pub);
    } else if (this._map) {
      ctx = this._getMapUpdateContext(pub);
    } else {
      ctx = this._centrifuge._getPublicationContext(this.channel, pub);
    }
    if (this._map || this._sharedPoll) {
      this.emit("publication", ctx);
      if (!this._isSubscribed()) {
        return;
      }
      this._setPublicationPosition(pub);
      this.emit("update", ctx);
    } else {
      this._pendingOffset = hasOffset(pub.offset) ? toOffset(pub.offset) : null;
      const failures = this._centrifuge._handlerFailures;
      try {
        this.emit("publication", ctx);
      } finally {
        this._pendingOffset = null;
      }
      if (this._centrifuge._handlerFailures !== failures) {
        return;
      }
      this._setPublicationPosition(pub);
    }
  }
  _setPublicationPosition(pub) {
    if (this._sharedPoll && pub.key && this._sharedPollTrackedItems.has(pub.key)) {
      if (pub.removed) {
        this._sharedPollTrackedItems.delete(pub.key);
      } else if (pub.version) {
        this._sharedPollTrackedItems.set(pub.key, toOffset(pub.version));
      }
    }
    if (hasOffset(pub.offset)) {
      this._offset = toOffset(pub.offset);
    }
    if (pub.epoch) {
      this._epoch = pub.epoch;
    }
  }
  /** Seed per-key delta tracking from state/stream entries.
   * Handles JSON-escaped data (server-side delta escaping) and protobuf data.
   * Decodes escaped data back to original format for user consumption.
   * Values are escaped only when delta is negotiated: otherwise they come as
   * they are, and a string value must not be parsed. */
  _seedDeltaTracking(pub, deltaNegotiated) {
    if (!this._delta || !pub.key)
      return;
    if (pub.removed) {
      this._prevValueMap.delete(pub.key);
      return;
    }
    if (!deltaNegotiated) {
      this._prevValueMap.set(pub.key, pub.data);
      return;
    }
    if (typeof pub.data === "string") {
      const rawBytes = pub.data;
      const encoded = new TextEncoder().encode(rawBytes);
      this._prevValueMap.set(pub.key, encoded);
      const byteLen = encoded.length;
      this._deltaNumPubs++;
      this._deltaNumFull++;
      this._deltaBytesReceived += byteLen;
      this._deltaBytesDecoded += byteLen;
      pub.data = JSON.parse(rawBytes);
    } else if (pub.data instanceof Uint8Array) {
      this._prevValueMap.set(pub.key, pub.data);
      const byteLen = pub.data.length;
      this._deltaNumPubs++;
      this._deltaNumFull++;
      this._deltaBytesReceived += byteLen;
      this._deltaBytesDecoded += byteLen;
    }
  }
  _handleJoin(join) {
    const info = this._centrifuge._getJoinLeaveContext(join.info);
    this.emit("join", { channel: this.channel, info });
  }
  _handleLeave(leave) {
    const info = this._centrifuge._getJoinLeaveContext(leave.info);
    this.emit("leave", { channel: this.channel, info });
  }
  _resolvePromises() {
    for (const id in this._promises) {
      if (!this._promises.hasOwnProperty(id)) {
        continue;
      }
      if (this._promises[id].timeout) {
        clearTimeout(this._promises[id].timeout);
      }
      this._promises[id].resolve();
      delete this._promises[id];
    }
  }
  _rejectPromises(err) {
    for (const id in this._promises) {
      if (!this._promises.hasOwnProperty(id)) {
        continue;
      }
      if (this._promises[id].timeout) {
        clearTimeout(this._promises[id].timeout);
      }
      this._promises[id].reject(err);
      delete this._promises[id];
    }
  }
  _scheduleResubscribe() {
    if (!this._isSubscribing()) {
      this._debug("not in subscribing state, skip resubscribe scheduling", this.channel);
      return;
    }
    const self = this;
    const delay = this._getResubscribeDelay();
    this._clearResubscribeTimeout();
    this._resubscribeTimeout = setTimeout(function() {
      self._resubscribeTimeout = null;
      if (self._isSubscribing()) {
        self._subscribe();
      }
    }, delay);
    this._debug("resubscribe scheduled after " + delay, this.channel);
  }
  // Emits an error event, then runs the continuation: not when a handler unsubscribed,
  // maybe to subscribe again, whose new subscribe the continuation must not touch.
  _emitError(ctx, continuation) {
    const flow = this._subscribeFlow;
    try {
      this.emit("error", ctx);
    } finally {
      if (flow === this._subscribeFlow) {
        continuation();
      }
    }
  }
  _subscribeError(err) {
    if (!this._isSubscribing()) {
      return;
    }
    if (err.code === 109 && this._getToken === null) {
      try {
        this.emit("error", {
          type: "configuration",
          channel: this.channel,
          error: {
            code: errorCodes.badConfiguration,
            message: "subscription token expired but no getToken function set"
          }
        });
      } catch (e) {
        this._centrifuge._reportDispatchError(e);
      }
      this._setUnsubscribed(unsubscribedCodes.unauthorized, "unauthorized", false);
      return;
    }
    if (err.code < 100 || err.code === 109 || err.temporary === true) {
      if (err.code === 109) {
        this._token = "";
      }
      const errContext = {
        channel: this.channel,
        type: "subscribe",
        error: err
      };
      if (this._centrifuge.state === State.Connected) {
        this._emitError(errContext, () => this._scheduleResubscribe());
      } else {
        this._scheduleResubscribe();
      }
    } else {
      this._setUnsubscribed(err.code, err.message, false);
    }
  }
  _getResubscribeDelay() {
    const delay = backoff(this._resubscribeAttempts, this._minResubscribeDelay, this._maxResubscribeDelay);
    this._resubscribeAttempts++;
    return delay;
  }
  _setOptions(options) {
    if (!options) {
      return;
    }
    if (options.since) {
      this._offset = toOffset(options.since.offset);
      this._epoch = options.since.epoch || "";
      this._recover = true;
    }
    if (options.data) {
      this._data = options.data;
    }
    if (options.getData) {
      this._getData = options.getData;
    }
    if (options.minResubscribeDelay !== void 0) {
      this._minResubscribeDelay = options.minResubscribeDelay;
    }
    if (options.maxResubscribeDelay !== void 0) {
      this._maxResubscribeDelay = options.maxResubscribeDelay;
    }
    if (options.token) {
      this._token = options.token;
    }
    if (options.getToken) {
      this._getToken = options.getToken;
    }
    if (options.positioned === true) {
      this._positioned = true;
    }
    if (options.recoverable === true) {
      this._recoverable = true;
    }
    if (options.joinLeave === true) {
      this._joinLeave = true;
    }
    if (options.delta) {
      if (options.delta !== "fossil") {
        throw new Error("unsupported delta format");
      }
      this._delta = options.delta;
    }
    if (options.tagsFilter) {
      this._tagsFilter = options.tagsFilter;
    }
    if (this._tagsFilter && this._delta) {
      throw new Error("cannot use delta and tagsFilter together");
    }
    if (options.getState) {
      this._getState = options.getState;
      this._recover = true;
    }
    if (options.map === true) {
      this._map = true;
    }
    if (options.mapPageSize !== void 0) {
      this._mapPageSize = options.mapPageSize;
    }
    if (options.mapPresenceType !== void 0) {
      this._mapPresenceType = options.mapPresenceType;
      this._map = true;
    }
    if (options.mapUnrecoverableStrategy) {
      this._mapUnrecoverableStrategy = options.mapUnrecoverableStrategy;
    }
    if (options.sharedPoll === true) {
      this._sharedPoll = true;
    }
    if (options.sharedPollGetSignature) {
      this._sharedPollGetSignature = options.sharedPollGetSignature;
    }
  }
  _getOffset() {
    if (this._pendingOffset !== null) {
      return this._pendingOffset;
    }
    const offset = this._offset;
    if (offset !== null) {
      return offset;
    }
    return 0;
  }
  _getEpoch() {
    const epoch = this._epoch;
    if (epoch !== null) {
      return epoch;
    }
    return "";
  }
  _clearRefreshTimeout() {
    if (this._refreshTimeout !== null) {
      clearTimeout(this._refreshTimeout);
      this._refreshTimeout = null;
    }
  }
  _clearResubscribeTimeout() {
    if (this._resubscribeTimeout !== null) {
      clearTimeout(this._resubscribeTimeout);
      this._resubscribeTimeout = null;
    }
  }
  _getSubscriptionToken() {
    this._debug("get subscription token for channel", this.channel);
    const ctx = {
      channel: this.channel
    };
    const getToken = this._getToken;
    if (getToken === null) {
      try {
        this.emit("error", {
          type: "configuration",
          channel: this.channel,
          error: {
            code: errorCodes.badConfiguration,
            message: "provide a function to get channel subscription token"
          }
        });
      } catch (e) {
        this._centrifuge._reportDispatchError(e);
      }
      return Promise.reject(new UnauthorizedError(""));
    }
    return this._callAsync(() => getToken(ctx));
  }
  _refresh() {
    this._clearRefreshTimeout();
    const self = this;
    const generation = this._refreshGeneration;
    this._getSubscriptionToken().then(function(token) {
      if (generation !== self._refreshGeneration || !self._isSubscribed()) {
        return;
      }
      if (!token) {
        self._failUnauthorized();
        return;
      }
      self._token = token;
      const req = {
        channel: self.channel,
        token
      };
      const msg = {
        "sub_refresh": req
      };
      self._centrifuge._call(msg).then((resolveCtx) => {
        try {
          self._refreshResponse(resolveCtx.reply.sub_refresh);
        } catch (err) {
          self._centrifuge._dispatchFailed(err);
        } finally {
          if (resolveCtx.next) {
            resolveCtx.next();
          }
        }
      }, (rejectCtx) => {
        try {
          self._refreshError(rejectCtx.error);
        } catch (err) {
          self._centrifuge._rejectionFailed(err, rejectCtx);
        } finally {
          if (rejectCtx.next) {
            rejectCtx.next();
          }
        }
      });
    }).catch(function(e) {
      if (generation !== self._refreshGeneration || !self._isSubscribed()) {
        return;
      }
      if (e instanceof UnauthorizedError) {
        self._failUnauthorized();
        return;
      }
      self._emitError({
        type: "refreshToken",
        channel: self.channel,
        error: {
          code: errorCodes.subscriptionRefreshToken,
          message: e !== void 0 ? e.toString() : ""
        }
      }, () => {
        if (generation !== self._refreshGeneration || !self._isSubscribed()) {
          return;
        }
        self._refreshTimeout = setTimeout(() => self._refresh(), self._getRefreshRetryDelay());
      });
    });
  }
  _refreshResponse(result) {
    if (!this._isSubscribed()) {
      return;
    }
    this._debug("subscription token refreshed, channel", this.channel);
    this._clearRefreshTimeout();
    if (result.expires === true) {
      this._refreshTimeout = setTimeout(() => this._refresh(), ttlMilliseconds(result.ttl));
    }
  }
  _refreshError(err) {
    if (!this._isSubscribed()) {
      return;
    }
    if (err.code < 100 || err.temporary === true) {
      this._emitError({
        type: "refresh",
        channel: this.channel,
        error: err
      }, () => {
        if (!this._isSubscribed()) {
          return;
        }
        this._refreshTimeout = setTimeout(() => this._refresh(), this._getRefreshRetryDelay());
      });
    } else {
      this._setUnsubscribed(err.code, err.message, true);
    }
  }
  _getRefreshRetryDelay() {
    return backoff(0, 1e4, 2e4);
  }
  // Calls an app callback expected to return a promise: one throwing instead of
  // returning a rejected promise fails the same way, not by throwing out of the
  // subscribe or refresh in progress.
  _callAsync(callback) {
    try {
      return Promise.resolve(callback());
    } catch (e) {
      return Promise.reject(e);
    }
  }
  _failUnauthorized() {
    this._setUnsubscribed(unsubscribedCodes.unauthorized, "unauthorized", true);
  }
  // ============ Shared Poll Internal Helpers ============
  // Send ONE or MORE signature batches in a single sub_refresh frame.
  // Splits across frames when the estimated payload exceeds the wire frame
  // budget — keeps each request well under the 64k Centrifugo frame limit.
  _sendTrackRequest(batches, untrackKeys) {
    if (batches.length === 0)
      return Promise.resolve();
    const maxBytes = 6e4;
    const frames = [];
    let current = [];
    let currentBytes = 100;
    if (untrackKeys && untrackKeys.length > 0) {
      for (const key of untrackKeys)
        currentBytes += key.length + 4;
    }
    for (const b of batches) {
      let cost = 100;
      for (const it of b.items)
        cost += it.key.length + 16;
      if (current.length > 0 && currentBytes + cost > maxBytes) {
        frames.push(current);
        current = [];
        currentBytes = 100;
      }
      current.push(b);
      currentBytes += cost;
    }
    if (current.length > 0)
      frames.push(current);
    const keysFrom = (idx) => frames.slice(idx).flatMap((f) => f.flatMap((b) => b.items.map((i) => i.key)));
    const send = (frame, idx, frameUntrackKeys) => new Promise((resolve, reject) => {
      const req = {
        channel: this.channel,
        type: 1,
        track: frame.map((b) => ({
          signature: b.signature,
          items: b.items.map((i) => i.version > 0 ? i : { key: i.key })
        }))
      };
      if (frameUntrackKeys && frameUntrackKeys.length > 0) {
        req.untrack = frameUntrackKeys;
      }
      const msg = { "sub_refresh": req };
      this._centrifuge._call(msg).then((resolveCtx) => {
        try {
          this._handleTrackResponse(resolveCtx.reply.sub_refresh, frame.flatMap((b) => b.items.map((i) => i.key)), frameUntrackKeys);
        } catch (err) {
          this._centrifuge._dispatchFailed(err);
        } finally {
          if (resolveCtx.next)
            resolveCtx.next();
        }
        resolve();
      }, (rejectCtx) => {
        if (rejectCtx.next)
          rejectCtx.next();
        this._sharedPollRequestFailed(rejectCtx.error);
        reject({ error: rejectCtx.error, keys: keysFrom(idx) });
      });
    });
    return this._sharedPollSerial(() => frames.reduce((chain, frame, idx) => chain.then(() => send(frame, idx, idx === 0 ? untrackKeys : void 0)), Promise.resolve()));
  }
  _isEmulation() {
    const transport = this._centrifuge._transport;
    return !!transport && transport.emulation();
  }
  // Over emulation each request is a separate HTTP request the server may handle
  // in any order: a track and an untrack of a key could overtake each other. The
  // channel's requests go one at a time then, in the order made; one made for a
  // subscription that has ended by its turn is dropped.
  _sharedPollSerial(send) {
    if (!this._isEmulation()) {
      return send();
    }
    const generation = this._refreshGeneration;
    const run = this._sharedPollQueue.then(() => {
      if (generation !== this._refreshGeneration || !this._isSubscribed()) {
        return;
      }
      return send();
    });
    this._sharedPollQueue = run.then(() => void 0, () => void 0);
    return run;
  }
  // A timed-out request over emulation may still reach the server after later
  // ones: whether the keys are tracked is unknown, the client reconnects.
  _sharedPollRequestFailed(error) {
    if (error && error.code === errorCodes.timeout && this._isEmulation()) {
      this._centrifuge._disconnect(connectingCodes.subscribeTimeout, "shared poll request timeout", true);
    }
  }
  _sendUntrackRequest(keys) {
    return this._sharedPollSerial(() => new Promise((resolve, reject) => {
      const req = {
        channel: this.channel,
        type: 2,
        untrack: keys
      };
      const msg = { "sub_refresh": req };
      this._centrifuge._call(msg).then((resolveCtx) => {
        if (resolveCtx.next) {
          resolveCtx.next();
        }
        resolve();
      }, (rejectCtx) => {
        if (rejectCtx.next) {
          rejectCtx.next();
        }
        this._sharedPollRequestFailed(rejectCtx.error);
        reject(rejectCtx.error);
      });
    }));
  }
  _handleTrackResponse(result, keys, untrackKeys) {
    if (!this._isSubscribed()) {
      return;
    }
    this._clearSharedPollTrackRetry();
    if (result && result.items && result.items.length > 0) {
      for (const pub of result.items) {
        if (!this._isSubscribed()) {
          return;
        }
        this._handlePublication(pub);
      }
    }
    if (!this._isSubscribed()) {
      return;
    }
    const untracked = new Set(untrackKeys || []);
    const stale = keys.filter((key) => !untracked.has(key) && !this._sharedPollTrackedItems.has(key));
    if (stale.length > 0) {
      this._sendUntrackRequest(stale).catch((err) => {
        this.emit("error", { type: "untrack", channel: this.channel, error: err });
      });
    }
    if (result && result.expires === true) {
      const targetMs = Date.now() + (result.ttl > 0 ? result.ttl * 1e3 : 1e3);
      this._maybeScheduleSharedPollSignatureRefresh(targetMs);
    }
  }
  // Reschedule the consolidating refresh timer if `targetMs` is earlier than
  // the currently scheduled target. No-op when a sooner refresh is already
  // pending. Pass null to clear and reset (e.g. after consolidation succeeded).
  _maybeScheduleSharedPollSignatureRefresh(targetMs) {
    if (targetMs === null) {
      this._sharedPollSignatureRefreshTargetMs = null;
      this._clearSharedPollSignatureRefresh();
      return;
    }
    if (!this._isSubscribed())
      return;
    if (this._sharedPollSignatureRefreshTargetMs !== null && targetMs >= this._sharedPollSignatureRefreshTargetMs) {
      return;
    }
    this._sharedPollSignatureRefreshTargetMs = targetMs;
    this._clearSharedPollSignatureRefresh();
    this._sharedPollSignatureRefreshTimeout = setTimeout(() => this._sharedPollRefreshSignature(), Math.max(0, targetMs - Date.now()));
  }
  _clearSharedPollSignatureRefresh() {
    if (this._sharedPollSignatureRefreshTimeout !== null) {
      clearTimeout(this._sharedPollSignatureRefreshTimeout);
      this._sharedPollSignatureRefreshTimeout = null;
    }
    this._sharedPollSignatureRefreshAttempts = 0;
  }
  _clearSharedPollTrackRetry() {
    if (this._sharedPollTrackRetryTimeout !== null) {
      clearTimeout(this._sharedPollTrackRetryTimeout);
      this._sharedPollTrackRetryTimeout = null;
    }
    this._sharedPollTrackRetryAttempts = 0;
  }
  _scheduleSharedPollReplayRetry() {
    if (this._sharedPollReplayRetryTimeout !== null) {
      clearTimeout(this._sharedPollReplayRetryTimeout);
    }
    this._sharedPollReplayRetryTimeout = setTimeout(() => this._sharedPollReplayTrack(), backoff(this._sharedPollReplayRetryAttempts++, 5e3, 3e4));
  }
  _clearSharedPollReplayRetry() {
    if (this._sharedPollReplayRetryTimeout !== null) {
      clearTimeout(this._sharedPollReplayRetryTimeout);
      this._sharedPollReplayRetryTimeout = null;
    }
    this._sharedPollReplayRetryAttempts = 0;
  }
  // Adds a signature to the library, dropping the entries whose keys it covers
  // entirely: they may have expired, and a replay sends every entry in one request,
  // which a single expired signature fails as a whole.
  _addSharedPollSignature(keys, signature) {
    const covered = new Set(keys);
    this._sharedPollSignatures = this._sharedPollSignatures.filter((entry) => !entry.keys.every((key) => covered.has(key)));
    this._sharedPollSignatures.push({ keys, signature });
  }
  _handleTrackError(err, keys) {
    if (!this._isSubscribed()) {
      return;
    }
    this._emitError({
      type: "track",
      channel: this.channel,
      error: err
    }, () => {
      if (!this._isSubscribed()) {
        return;
      }
      if (err.code === 109) {
        this._sharedPollRefreshSignature();
        return;
      }
      if (err.code < 100 || err.temporary === true) {
        this._sharedPollTrackRetryTimeout = setTimeout(() => this._sharedPollReplayTrack(), backoff(this._sharedPollTrackRetryAttempts++, 1e3, 15e3));
        return;
      }
      this._untrackFailedKeys(keys);
    });
  }
  _untrackFailedKeys(keys) {
    const failed = keys.filter((key) => this._sharedPollTrackedItems.has(key));
    if (failed.length === 0) {
      return;
    }
    for (const key of failed) {
      this._sharedPollTrackedItems.delete(key);
    }
    this._sharedPollSignatures = this._sharedPollSignatures.filter((entry) => entry.keys.some((k) => this._sharedPollTrackedItems.has(k)));
    this._sendUntrackRequest(failed).catch((err) => {
      this.emit("error", { type: "untrack", channel: this.channel, error: err });
    });
    for (const key of failed) {
      if (!this._isSubscribed()) {
        return;
      }
      this.emit("update", {
        channel: this.channel,
        key,
        data: null,
        removed: true
      });
    }
  }
  // _sharedPollRefreshSignature obtains a fresh consolidated signature
  // covering all currently tracked keys, then replaces the library with the
  // single new entry. Triggered by the TTL timer (server's `expires/ttl`
  // response) and by 109 errors on track commands. The in-flight guard
  // collapses concurrent refresh attempts into one.
  _sharedPollRefreshSignature() {
    this._clearSharedPollSignatureRefresh();
    if (!this._isSubscribed())
      return;
    if (!this._sharedPollGetSignature)
      return;
    if (this._sharedPollTrackedItems.size === 0)
      return;
    if (this._sharedPollSignatureRefreshInFlight) {
      for (const key of this._sharedPollTrackedItems.keys()) {
        if (!this._sharedPollSignatureRefreshKeys.has(key)) {
          this._sharedPollSignatureRefreshAgain = true;
          break;
        }
      }
      return;
    }
    this._sharedPollSignatureRefreshTargetMs = null;
    this._sharedPollSignatureRefreshInFlight = true;
    const keys = Array.from(this._sharedPollTrackedItems.keys());
    this._sharedPollSignatureRefreshKeys = new Set(keys);
    const self = this;
    const generation = this._refreshGeneration;
    this._callAsync(() => this._sharedPollGetSignature({ keys })).then((result) => {
      if (generation !== self._refreshGeneration)
        return;
      self._sharedPollSignatureRefreshInFlight = false;
      if (!self._isSubscribed())
        return;
      self._sharedPollSignatureRefreshAttempts = 0;
      if (self._sharedPollSignatureRefreshAgain) {
        self._sharedPollSignatureRefreshAgain = false;
        Promise.resolve().then(() => self._sharedPollRefreshSignature());
      }
      const returnedKeys = new Set(result.keys);
      const revokedKeys = [];
      for (const key of keys) {
        if (!returnedKeys.has(key) && this._sharedPollTrackedItems.has(key)) {
          self._sharedPollTrackedItems.delete(key);
          revokedKeys.push(key);
          if (!self._isSubscribed()) {
            continue;
          }
          self.emit("update", {
            channel: self.channel,
            key,
            data: null,
            removed: true
          });
        }
      }
      if (revokedKeys.length > 0) {
        self._sendUntrackRequest(revokedKeys).catch((err) => {
          self.emit("error", { type: "untrack", channel: self.channel, error: err });
        });
      }
      const items = [];
      for (const key of result.keys) {
        const version = self._sharedPollTrackedItems.get(key);
        if (version !== void 0) {
          items.push({ key, version });
        }
      }
      const consolidatedKeySet = new Set(result.keys);
      const uncovered = self._sharedPollSignatures.filter((entry) => entry.keys.some((k) => self._sharedPollTrackedItems.has(k) && !consolidatedKeySet.has(k)));
      self._sharedPollSignatures = items.length > 0 ? [{ keys: result.keys, signature: result.signature }, ...uncovered] : uncovered;
      if (items.length === 0)
        return;
      self._sendTrackRequest([{ items, signature: result.signature }]).catch((e) => {
        self._handleTrackError(e.error, e.keys);
      });
    }).catch((e) => {
      if (generation !== self._refreshGeneration)
        return;
      self._sharedPollSignatureRefreshInFlight = false;
      self._sharedPollSignatureRefreshAgain = false;
      self._emitError({
        type: "signatureRefresh",
        channel: self.channel,
        error: {
          code: errorCodes.sharedPollGetSignature,
          message: e !== void 0 ? e.toString() : ""
        }
      }, () => {
        if (generation !== self._refreshGeneration || !self._isSubscribed()) {
          return;
        }
        self._sharedPollSignatureRefreshTimeout = setTimeout(() => self._sharedPollRefreshSignature(), backoff(self._sharedPollSignatureRefreshAttempts++, 5e3, 3e4));
      });
    });
  }
  // _sharedPollReplayTrack runs after subscribe completes — on initial
  // subscribe AND after every reconnect. It reuses every cached signature
  // in _sharedPollSignatures so that mass reconnects don't trigger mass
  // getSignature calls on the application backend.
  //
  // For each cached batch:
  //   - Build a track command with the batch's ORIGINAL key set (HMAC was
  //     signed over those keys, so the full set must be sent). Versions are
  //     CURRENT per-connection versions, so the server pushes only what's
  //     changed.
  //   - Any keys in the batch that were locally untracked() since the original
  //     track() are sent in the same frame's `untrack` field — the server
  //     validates the full HMAC then removes them immediately, avoiding a
  //     separate round-trip.
  //
  // getSignature is invoked only when there are no cached signatures (e.g.
  // initial subscribe where track(keys) was called without explicit sig).
  // Once a signature is expired beyond the server's grace period, the next
  // track command returns error 109 — _handleTrackError then triggers
  // _sharedPollRefreshSignature for a fresh consolidated signature.
  _sharedPollReplayTrack() {
    if (!this._isSubscribed())
      return;
    if (this._sharedPollTrackedItems.size === 0 && this._sharedPollSignatures.length === 0)
      return;
    const coveredKeys = /* @__PURE__ */ new Set();
    const replayBatches = [];
    const allUntrackedInReplay = [];
    for (const entry of this._sharedPollSignatures) {
      const items = entry.keys.map((key) => {
        var _a;
        return {
          key,
          version: (_a = this._sharedPollTrackedItems.get(key)) !== null && _a !== void 0 ? _a : 0
        };
      });
      replayBatches.push({ items, signature: entry.signature });
      for (const k of entry.keys) {
        if (this._sharedPollTrackedItems.has(k)) {
          coveredKeys.add(k);
        } else {
          allUntrackedInReplay.push(k);
        }
      }
    }
    if (replayBatches.length > 0) {
      this._sendTrackRequest(replayBatches, allUntrackedInReplay).catch((e) => {
        this._handleTrackError(e.error, e.keys);
      });
    }
    const uncoveredKeys = [];
    for (const key of this._sharedPollTrackedItems.keys()) {
      if (!coveredKeys.has(key))
        uncoveredKeys.push(key);
    }
    if (uncoveredKeys.length === 0)
      return;
    if (!this._sharedPollGetSignature) {
      this.emit("error", {
        type: "track",
        channel: this.channel,
        error: { code: errorCodes.sharedPollGetSignature, message: "getSignature callback required for tracked keys without an explicit signature" }
      });
      return;
    }
    const self = this;
    const generation = this._refreshGeneration;
    this._callAsync(() => this._sharedPollGetSignature({ keys: uncoveredKeys })).then((result) => {
      if (generation !== self._refreshGeneration || !self._isSubscribed())
        return;
      self._clearSharedPollReplayRetry();
      const returnedKeys = new Set(result.keys);
      const revokedKeys = [];
      for (const key of uncoveredKeys) {
        if (!returnedKeys.has(key) && this._sharedPollTrackedItems.has(key)) {
          self._sharedPollTrackedItems.delete(key);
          revokedKeys.push(key);
          if (!self._isSubscribed()) {
            continue;
          }
          self.emit("update", {
            channel: self.channel,
            key,
            data: null,
            removed: true
          });
        }
      }
      if (revokedKeys.length > 0) {
        self._sendUntrackRequest(revokedKeys).catch((err) => {
          self.emit("error", { type: "untrack", channel: self.channel, error: err });
        });
      }
      const items = [];
      for (const key of result.keys) {
        const version = self._sharedPollTrackedItems.get(key);
        if (version !== void 0) {
          items.push({ key, version });
        }
      }
      if (items.length === 0)
        return;
      self._addSharedPollSignature(result.keys, result.signature);
      self._sendTrackRequest([{ items, signature: result.signature }]).catch((e) => {
        self._handleTrackError(e.error, e.keys);
      });
    }).catch((e) => {
      if (generation !== self._refreshGeneration || !self._isSubscribed())
        return;
      self._emitError({
        type: "signatureRefresh",
        channel: self.channel,
        error: {
          code: errorCodes.sharedPollGetSignature,
          message: e !== void 0 ? e.toString() : ""
        }
      }, () => {
        if (generation !== self._refreshGeneration || !self._isSubscribed())
          return;
        self._sharedPollReplayRetryTimeout = setTimeout(() => self._sharedPollReplayTrack(), backoff(self._sharedPollReplayRetryAttempts++, 5e3, 3e4));
      });
    });
  }
  // ============ Keyed Subscription Methods ============
  /** Entry point for map subscriptions */
  _mapSubscribe() {
    this._debug("starting map subscribe on", this.channel);
    const flow = ++this._subscribeFlow;
    const start = () => {
      this._mapStateBuffer = [];
      this._mapStreamBuffer = [];
      this._mapCursor = "";
      const recovering = this._recover && this._offset !== null && this._epoch !== null;
      if (!recovering) {
        this._prevValueMap = /* @__PURE__ */ new Map();
      }
      this._mapFlowRecovering = recovering;
      this._mapFlowOffset = recovering ? this._offset : 0;
      this._mapFlowEpoch = recovering ? this._epoch : null;
      this._mapFlowPositionResets = this._mapPositionResets;
      this._mapPhase = MapPhase.State;
      if (recovering) {
        this._debug("map subscribe: recovering from position, skipping to stream phase");
        this._mapPhase = MapPhase.Stream;
        this._fetchStream(flow);
      } else {
        this._fetchSnapshot(flow);
      }
    };
    if (this._canSubscribeWithoutGettingToken()) {
      start();
    } else {
      this._getSubscriptionToken().then((token) => {
        if (flow !== this._subscribeFlow) {
          return;
        }
        if (!this._isSubscribing()) {
          this._inflight = false;
          return;
        }
        if (!token) {
          this._inflight = false;
          this._failUnauthorized();
          return;
        }
        this._token = token;
        start();
      }).catch((e) => {
        this._handleTokenError(e, flow);
      });
    }
  }
  /** Fetch a page of snapshot data */
  _fetchSnapshot(flow, cursor) {
    if (!this._isSubscribing() || !this._isTransportOpen()) {
      this._inflight = false;
      return;
    }
    const cmd = this._buildMapSubscribeCommand(MapPhase.State, cursor);
    this._debug("map subscribe: fetching snapshot page", cursor ? `cursor=${cursor}` : "initial");
    this._subscribeCallFlow = flow;
    this._centrifuge._call(cmd).then((resolveCtx) => {
      try {
        if (this._settleSubscribeCall(flow, true)) {
          return;
        }
        if (flow === this._subscribeFlow) {
          this._handleMapStateResponse(flow, resolveCtx.reply.subscribe);
        }
      } catch (err) {
        this._centrifuge._dispatchFailed(err);
      } finally {
        if (resolveCtx.next) {
          resolveCtx.next();
        }
      }
    }, (rejectCtx) => {
      try {
        if (this._settleSubscribeCall(flow, false, rejectCtx.error)) {
          return;
        }
        if (flow === this._subscribeFlow) {
          this._handleMapSubscribeError(rejectCtx.error);
        }
      } catch (err) {
        this._centrifuge._rejectionFailed(err, rejectCtx);
      } finally {
        if (rejectCtx.next) {
          rejectCtx.next();
        }
      }
    });
  }
  /** Process snapshot response */
  _handleMapStateResponse(flow, result) {
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    if (!result.phase) {
      this._debug("map subscribe: server forced LIVE transition during state pagination");
      this._handleMapLiveResponse(flow, result);
      return;
    }
    if (!this._mapFlowEpoch && result.epoch) {
      this._mapFlowEpoch = result.epoch;
      this._mapFlowOffset = toOffset(result.offset);
    }
    if (this._mapFlowEpoch && result.epoch && this._mapFlowEpoch !== result.epoch) {
      this._debug("map subscribe: epoch changed during snapshot pagination, restarting");
      this._restartMapFlow();
      this._fetchSnapshot(flow);
      return;
    }
    if (result.state && result.state.length > 0) {
      this._mapStateBuffer.push(...result.state);
    }
    if (result.cursor) {
      this._mapCursor = result.cursor;
      this._fetchSnapshot(flow, this._mapCursor);
      return;
    }
    this._transitionFromSnapshot(flow);
  }
  // The stream epoch changed during the flow: what it collected and the stored
  // position are outdated. The flow continues from a snapshot.
  _restartMapFlow() {
    this._mapStateBuffer = [];
    this._mapStreamBuffer = [];
    this._mapCursor = "";
    this._mapFlowRecovering = false;
    this._mapFlowOffset = 0;
    this._mapFlowEpoch = null;
    this._epoch = null;
    this._offset = null;
    this._recover = false;
    this._prevValueMap = /* @__PURE__ */ new Map();
    this._mapPhase = MapPhase.State;
  }
  /** Transition from STATE to STREAM phase after snapshot pagination completes */
  _transitionFromSnapshot(flow) {
    this._debug("map subscribe: snapshot complete, transitioning to stream phase");
    this._mapPhase = MapPhase.Stream;
    this._fetchStream(flow);
  }
  /** Fetch stream data (offset-based catch-up) */
  _fetchStream(flow) {
    if (!this._isSubscribing() || !this._isTransportOpen()) {
      this._inflight = false;
      return;
    }
    const cmd = this._buildMapSubscribeCommand(MapPhase.Stream);
    this._debug("map subscribe: fetching stream from offset", this._mapFlowOffset);
    this._subscribeCallFlow = flow;
    this._centrifuge._call(cmd).then((resolveCtx) => {
      try {
        if (this._settleSubscribeCall(flow, true)) {
          return;
        }
        if (flow === this._subscribeFlow) {
          this._handleMapStreamResponse(flow, resolveCtx.reply.subscribe);
        }
      } catch (err) {
        this._centrifuge._dispatchFailed(err);
      } finally {
        if (resolveCtx.next) {
          resolveCtx.next();
        }
      }
    }, (rejectCtx) => {
      try {
        if (this._settleSubscribeCall(flow, false, rejectCtx.error)) {
          return;
        }
        if (flow === this._subscribeFlow) {
          this._handleMapSubscribeError(rejectCtx.error);
        }
      } catch (err) {
        this._centrifuge._rejectionFailed(err, rejectCtx);
      } finally {
        if (rejectCtx.next) {
          rejectCtx.next();
        }
      }
    });
  }
  /** Process stream response */
  _handleMapStreamResponse(flow, result) {
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    if (!result.phase) {
      this._debug("map subscribe: server forced LIVE transition during stream");
      this._handleMapLiveResponse(flow, result);
      return;
    }
    if (this._mapFlowEpoch && result.epoch && this._mapFlowEpoch !== result.epoch) {
      this._debug("map subscribe: epoch changed during stream, restarting");
      this._restartMapFlow();
      this._fetchSnapshot(flow);
      return;
    }
    if (result.publications && result.publications.length > 0) {
      this._mapStreamBuffer.push(...result.publications);
    }
    if (result.offset !== void 0) {
      this._mapFlowOffset = toOffset(result.offset);
    }
    this._fetchStream(flow);
  }
  /** Process live response - complete the map subscription */
  _handleMapLiveResponse(flow, result) {
    if (!this._isSubscribing()) {
      this._inflight = false;
      return;
    }
    this._inflight = false;
    if (this._mapFlowEpoch && result.epoch && this._mapFlowEpoch !== result.epoch) {
      this._debug("map subscribe: epoch changed during live transition, restarting");
      this._restartMapFlow();
      this._inflight = true;
      this._fetchSnapshot(flow);
      return;
    }
    const deltaNegotiated = !!(this._delta && result.delta);
    const statePubs = result.state && result.state.length > 0 ? this._mapStateBuffer.concat(result.state) : this._mapStateBuffer;
    this._mapStateBuffer = statePubs.map((pub) => {
      this._seedDeltaTracking(pub, deltaNegotiated);
      return this._getMapUpdateContext(pub);
    });
    this._mapStreamBuffer = this._mapStreamBuffer.map((pub) => {
      this._seedDeltaTracking(pub, deltaNegotiated);
      return this._getMapUpdateContext(pub);
    });
    if (result.publications && result.publications.length > 0) {
      for (const pub of result.publications) {
        if (deltaNegotiated) {
          const deltaKey = pub.key || "";
          if (pub.removed) {
            this._prevValueMap.delete(deltaKey);
          } else {
            const { newData, newPrevValue, isDelta, wireBytes, fullBytes } = this._centrifuge._codec.applyDeltaIfNeeded(pub, this._prevValueMap.get(deltaKey));
            pub.data = newData;
            this._deltaNumPubs++;
            this._deltaBytesReceived += wireBytes;
            this._deltaBytesDecoded += fullBytes;
            if (isDelta) {
              this._deltaNumDelta++;
            } else {
              this._deltaNumFull++;
            }
            this._prevValueMap.set(deltaKey, newPrevValue);
          }
        } else if (this._delta && pub.key) {
          if (pub.removed) {
            this._prevValueMap.delete(pub.key);
          } else {
            this._prevValueMap.set(pub.key, pub.data);
          }
        }
        this._mapStreamBuffer.push(this._getMapUpdateContext(pub));
      }
    }
    const offset = toOffset(result.offset);
    const epoch = result.epoch || "";
    this._clearSubscribingState();
    if (result.id) {
      this._id = result.id;
    }
    const recover = result.recoverable === true;
    if (result.delta) {
      this._delta_negotiated = true;
    } else {
      this._delta_negotiated = false;
    }
    if (result.publish_debounce) {
      this._debounceMs = result.publish_debounce;
    }
    let stateEntries = this._mapStateBuffer;
    let streamEntries = this._mapStreamBuffer;
    this._mapStateBuffer = [];
    this._mapStreamBuffer = [];
    this._mapPhase = null;
    const ctx = this._centrifuge._getSubscribeContext(this.channel, result);
    ctx.state = stateEntries;
    const positionResets = this._mapFlowPositionResets;
    if (this._mapPositionResets === positionResets) {
      this._recover = recover;
      this._epoch = epoch;
      if (!ctx.recovered) {
        this._recover = false;
        this._offset = null;
        this._epoch = null;
      } else if (streamEntries.length > 0 && streamEntries[0].offset !== void 0) {
        this._offset = streamEntries[0].offset - 1;
      } else {
        this._offset = offset;
      }
    }
    this._setState(SubscriptionState.Subscribed);
    if (!this._isSubscribed()) {
      return;
    }
    this.emit("subscribed", ctx);
    if (!this._isSubscribed()) {
      return;
    }
    this._resolvePromises();
    if (!ctx.recovered) {
      if (streamEntries.length > 0) {
        const stateMap = /* @__PURE__ */ new Map();
        for (const entry of stateEntries) {
          stateMap.set(entry.key, entry);
        }
        for (const entry of streamEntries) {
          if (entry.removed) {
            stateMap.delete(entry.key);
          } else {
            stateMap.set(entry.key, entry);
          }
        }
        stateEntries = Array.from(stateMap.values());
        streamEntries = [];
      }
      if (this._mapPositionResets === positionResets) {
        this._recover = recover;
        this._offset = offset;
        this._epoch = epoch;
      }
      this.emit("sync", { entries: stateEntries });
    }
    for (const entry of streamEntries) {
      if (!this._isSubscribed()) {
        return;
      }
      this.emit("publication", entry);
      if (!this._isSubscribed()) {
        return;
      }
      if (entry.offset !== void 0 && this._mapPositionResets === positionResets) {
        this._offset = entry.offset;
      }
      this.emit("update", entry);
    }
    if (!this._isSubscribed()) {
      return;
    }
    if (this._mapPositionResets === positionResets) {
      this._offset = offset;
    }
    if (result.expires === true) {
      this._refreshTimeout = setTimeout(() => this._refresh(), ttlMilliseconds(result.ttl));
    }
  }
  /** Handle errors during map subscription process */
  _handleMapSubscribeError(error) {
    this._inflight = false;
    if (!this._isSubscribing()) {
      return;
    }
    if (error.code === errorCodes.connectionClosed) {
      return;
    }
    if (error.code === errorCodes.timeout) {
      this._centrifuge._disconnect(connectingCodes.subscribeTimeout, "subscribe timeout", true);
      return;
    }
    this._mapStateBuffer = [];
    this._mapStreamBuffer = [];
    this._mapPhase = null;
    if (error.code === 112) {
      if (this._mapUnrecoverableStrategy === "from_scratch") {
        this._debug("map subscribe: unrecoverable position, restarting from scratch");
        this._prevValueMap = /* @__PURE__ */ new Map();
        this._offset = null;
        this._epoch = null;
        this._recover = false;
        this._scheduleResubscribe();
        return;
      }
    }
    this._subscribeError(error);
  }
  /** Build map subscribe command for a specific phase */
  _buildMapSubscribeCommand(phase, cursor) {
    const req = {
      channel: this.channel,
      type: this._mapPresenceType || 1,
      // 1=MAP, 2=MAP_CLIENTS, 3=MAP_USERS
      phase
    };
    if (this._token)
      req.token = this._token;
    if (this._tagsFilter)
      req.tf = this._tagsFilter;
    if (this._delta)
      req.delta = this._delta;
    req.flag = subscriptionFlags.channelCompaction;
    if (phase === MapPhase.State) {
      if (this._mapPageSize > 0)
        req.limit = this._mapPageSize;
      if (cursor)
        req.cursor = cursor;
      if (this._mapFlowEpoch) {
        req.offset = this._mapFlowOffset;
        req.epoch = this._mapFlowEpoch;
      } else {
        if (this._data)
          req.data = this._data;
      }
    }
    if (phase === MapPhase.Stream) {
      if (this._mapPageSize > 0)
        req.limit = this._mapPageSize;
      req.offset = this._mapFlowOffset;
      req.epoch = this._mapFlowEpoch;
      if (this._mapFlowRecovering) {
        req.recover = true;
        if (this._mapStreamBuffer.length === 0) {
          if (this._data)
            req.data = this._data;
        }
      }
    }
    return { subscribe: req };
  }
  /** Convert raw publication to MapUpdateContext */
  _getMapUpdateContext(pub) {
    const ctx = {
      channel: this.channel,
      data: pub.data,
      key: pub.key || ""
    };
    if (pub.removed === true) {
      ctx.removed = true;
    }
    if (pub.offset !== void 0) {
      ctx.offset = toOffset(pub.offset);
    }
    if (pub.info) {
      ctx.info = this._centrifuge._getJoinLeaveContext(pub.info);
    }
    if (pub.tags) {
      ctx.tags = pub.tags;
    }
    return ctx;
  }
  /** Convert raw publication to SharedPollUpdateContext */
  _getSharedPollUpdateContext(pub) {
    const ctx = {
      channel: this.channel,
      key: pub.key || "",
      data: pub.data
    };
    if (pub.removed === true) {
      ctx.removed = true;
    }
    if (pub.version !== void 0) {
      ctx.version = toOffset(pub.version);
    }
    return ctx;
  }
};
var Subscription = class extends BaseSubscription {
  /** Publish data to the channel. */
  publish(data) {
    return __awaiter(this, void 0, void 0, function* () {
      yield this._methodCall();
      if (this._debounceMs > 0) {
        return this._debouncedPublish("", data, false);
      }
      return this._centrifuge.publish(this.channel, data);
    });
  }
  /** history for a channel. By default it does not return publications (only current
   *  StreamPosition data) – provide an explicit limit > 0 to load publications.*/
  history(opts) {
    return __awaiter(this, void 0, void 0, function* () {
      yield this._methodCall();
      return this._centrifuge.history(this.channel, opts);
    });
  }
};
var MapSubscription = class extends BaseSubscription {
  /** Publish data to a key. */
  publish(key, data) {
    return __awaiter(this, void 0, void 0, function* () {
      yield this._methodCall();
      if (this._debounceMs > 0) {
        return this._debouncedPublish(key, data, true);
      }
      return this._centrifuge.mapPublish(this.channel, key, data);
    });
  }
  /** Remove a key. */
  remove(key) {
    return __awaiter(this, void 0, void 0, function* () {
      yield this._methodCall();
      this._cancelDebounce(key);
      return this._centrifuge.mapRemove(this.channel, key);
    });
  }
};
var SharedPollSubscription = class extends BaseSubscription {
  /** Track items in a shared poll subscription.
   *
   * Overloads:
   * - `track(keys: string[])` — pass key names only (version defaults to 0).
   *   Requires `getSignature` callback in subscription options. The SDK
   *   automatically obtains a signature before sending the track request.
   * - `track(items: SharedPollTrackItem[], signature: string)` — pass items
   *   with explicit versions and a pre-computed HMAC signature.
   *
   * Items are stored in local state immediately. If subscribed, the track request
   * is sent right away. If not yet subscribed, items will be sent via replay
   * (with a fresh signature from getSignature) after subscribe completes.
   *
   * **Fire-and-forget** (similar to subscribe/unsubscribe): returns void and never
   * throws for in-flight failures. Subscribe to the `error` event to observe
   * failures: `type: 'track'` covers both the server-side track request and
   * the `getSignature` callback when using `track(keys)`. Server-revoked keys
   * arrive as synthetic `update` events with `removed: true`. */
  track(keysOrItems, signature) {
    if (keysOrItems.length === 0) {
      return;
    }
    let items;
    const sig = signature;
    if (typeof keysOrItems[0] === "string") {
      const keys2 = keysOrItems;
      items = keys2.map((k) => ({ key: k, version: 0 }));
    } else {
      items = keysOrItems;
    }
    for (const item of items) {
      const version = toOffset(item.version);
      const existing = this._sharedPollTrackedItems.get(item.key);
      if (existing === void 0 || version > existing) {
        this._sharedPollTrackedItems.set(item.key, version);
      }
    }
    if (sig !== void 0) {
      this._addSharedPollSignature(items.map((i) => i.key), sig);
      if (this._isSubscribed() && !this._sharedPollReplayPending) {
        this._sendTrackRequest([{ items, signature: sig }]).catch((e) => {
          this._handleTrackError(e.error, e.keys);
        });
      }
      return;
    }
    if (!this._sharedPollGetSignature) {
      this.emit("error", {
        type: "track",
        channel: this.channel,
        error: { code: errorCodes.sharedPollGetSignature, message: "getSignature callback required for track(keys)" }
      });
      return;
    }
    if (!this._isSubscribed() || this._sharedPollReplayPending) {
      return;
    }
    const keys = items.map((i) => i.key);
    const generation = this._refreshGeneration;
    this._callAsync(() => this._sharedPollGetSignature({ keys })).then((result) => {
      if (generation !== this._refreshGeneration || !this._isSubscribed())
        return;
      const returnedKeys = new Set(result.keys);
      const revokedKeys = [];
      for (const key of keys) {
        if (!returnedKeys.has(key) && this._sharedPollTrackedItems.has(key)) {
          this._sharedPollTrackedItems.delete(key);
          revokedKeys.push(key);
          if (!this._isSubscribed()) {
            continue;
          }
          this.emit("update", {
            channel: this.channel,
            key,
            data: null,
            removed: true
          });
        }
      }
      if (revokedKeys.length > 0) {
        this._sendUntrackRequest(revokedKeys).catch((err) => {
          this.emit("error", { type: "untrack", channel: this.channel, error: err });
        });
      }
      this._sharedPollReplayRetryAttempts = 0;
      const authorizedItems = [];
      for (const key of result.keys) {
        const version = this._sharedPollTrackedItems.get(key);
        if (version !== void 0) {
          authorizedItems.push({ key, version });
        }
      }
      if (authorizedItems.length === 0)
        return;
      this._addSharedPollSignature(result.keys, result.signature);
      this._sendTrackRequest([{ items: authorizedItems, signature: result.signature }]).catch((e) => {
        this._handleTrackError(e.error, e.keys);
      });
    }).catch((e) => {
      if (generation !== this._refreshGeneration || !this._isSubscribed())
        return;
      this._emitError({
        type: "track",
        channel: this.channel,
        error: { code: errorCodes.sharedPollGetSignature, message: e !== void 0 ? e.toString() : "getSignature failed" }
      }, () => {
        if (generation !== this._refreshGeneration || !this._isSubscribed())
          return;
        this._scheduleSharedPollReplayRetry();
      });
    });
  }
  /** Stop tracking specific keys in a shared poll subscription.
   * Keys are removed from local state immediately. If subscribed, the untrack
   * request is sent right away. If not yet subscribed, the keys simply won't
   * be included in the replay after subscribe completes.
   *
   * **Fire-and-forget** (similar to subscribe/unsubscribe): returns void and never
   * throws for in-flight failures. Subscribe to the `error` event with
   * `type: 'untrack'` to observe failures of the untrack request. */
  untrack(keys) {
    for (const key of keys) {
      this._sharedPollTrackedItems.delete(key);
    }
    this._sharedPollSignatures = this._sharedPollSignatures.filter((entry) => entry.keys.some((k) => this._sharedPollTrackedItems.has(k)));
    if (this._isSubscribed()) {
      this._sendUntrackRequest(keys).catch((err) => {
        this.emit("error", {
          type: "untrack",
          channel: this.channel,
          error: err
        });
      });
    }
  }
  /** Returns the set of currently tracked keys in a shared poll subscription. */
  trackedKeys() {
    return new Set(this._sharedPollTrackedItems.keys());
  }
};
var SockjsTransport = class {
  constructor(endpoint, options) {
    this.endpoint = endpoint;
    this.options = options;
    this._transport = null;
  }
  name() {
    return "sockjs";
  }
  subName() {
    return "sockjs-" + this._transport.transport;
  }
  emulation() {
    return false;
  }
  supported() {
    return this.options.sockjs !== null;
  }
  initialize(_protocol, callbacks) {
    this._transport = new this.options.sockjs(this.endpoint, null, this.options.sockjsOptions);
    this._transport.onopen = () => {
      callbacks.onOpen();
    };
    this._transport.onerror = (e) => {
      callbacks.onError(e);
    };
    this._transport.onclose = (closeEvent) => {
      callbacks.onClose(closeEvent);
    };
    this._transport.onmessage = (event) => {
      callbacks.onMessage(event.data);
    };
  }
  close() {
    if (this._transport !== null) {
      this._transport.close();
    }
  }
  send(data) {
    this._transport.send(data);
  }
};
var WebsocketTransport = class {
  constructor(endpoint, options) {
    this.endpoint = endpoint;
    this.options = options;
    this._transport = null;
  }
  name() {
    return "websocket";
  }
  subName() {
    return "websocket";
  }
  emulation() {
    return false;
  }
  supported() {
    return this.options.websocket !== void 0 && this.options.websocket !== null;
  }
  initialize(protocol, callbacks) {
    let subProtocol = "";
    if (protocol === "protobuf") {
      subProtocol = "centrifuge-protobuf";
    }
    if (subProtocol !== "") {
      this._transport = new this.options.websocket(this.endpoint, subProtocol);
    } else {
      this._transport = new this.options.websocket(this.endpoint);
    }
    if (protocol === "protobuf") {
      this._transport.binaryType = "arraybuffer";
    }
    this._transport.onopen = () => {
      callbacks.onOpen();
    };
    this._transport.onerror = (e) => {
      callbacks.onError(e);
    };
    this._transport.onclose = (closeEvent) => {
      callbacks.onClose(closeEvent);
    };
    this._transport.onmessage = (event) => {
      callbacks.onMessage(event.data);
    };
  }
  close() {
    if (this._transport !== null) {
      this._transport.close();
    }
  }
  send(data) {
    this._transport.send(data);
  }
};
var maxRetainedSize = 64 * 1024;
var ReplyStreamBuffer = class {
  constructor() {
    this._buf = new Uint8Array(0);
    this._start = 0;
    this._end = 0;
  }
  push(chunk) {
    const size = this._end - this._start;
    if (this._end + chunk.length > this._buf.length) {
      if (size + chunk.length <= this._buf.length / 2) {
        this._buf.copyWithin(0, this._start, this._end);
      } else {
        const buf = new Uint8Array(Math.max(this._buf.length * 2, size + chunk.length));
        buf.set(this._buf.subarray(this._start, this._end));
        this._buf = buf;
      }
      this._start = 0;
      this._end = size;
    }
    this._buf.set(chunk, this._end);
    this._end += chunk.length;
  }
  // Calls onReply with a copy of each complete reply buffered, in order.
  // decodeReply tells whether the data starts with a complete reply, and where it ends.
  drain(decodeReply, onReply) {
    while (this._start < this._end) {
      const result = decodeReply(this._buf.subarray(this._start, this._end));
      if (!result.ok) {
        break;
      }
      const end = this._start + result.pos;
      const reply = this._buf.slice(this._start, end);
      this._start = end;
      onReply(reply);
    }
    const size = this._end - this._start;
    if (this._buf.length > maxRetainedSize && size <= this._buf.length / 4) {
      this._buf = this._buf.slice(this._start, this._end);
      this._start = 0;
      this._end = size;
    } else if (size === 0) {
      this._start = 0;
      this._end = 0;
    }
  }
};
var LineStreamBuffer = class {
  constructor() {
    this._decoder = new TextDecoder();
    this._parts = [];
  }
  // Calls onLine with each complete line, in order, without its '\n'.
  push(chunk, onLine) {
    const text = this._decoder.decode(chunk, { stream: true });
    let start = 0;
    let end = text.indexOf("\n");
    while (end !== -1) {
      this._parts.push(text.substring(start, end));
      const line = this._parts.join("");
      this._parts = [];
      start = end + 1;
      onLine(line);
      end = text.indexOf("\n", start);
    }
    if (start < text.length) {
      this._parts.push(text.substring(start));
    }
  }
};
var HttpStreamTransport = class {
  constructor(endpoint, options) {
    this.endpoint = endpoint;
    this.options = options;
    this._abortController = null;
    this._protocol = "json";
  }
  name() {
    return "http_stream";
  }
  subName() {
    return "http_stream";
  }
  emulation() {
    return true;
  }
  _handleErrors(response) {
    if (!response.ok)
      throw new Error(response.status);
    return response;
  }
  _fetchEventTarget(self, endpoint, options) {
    const eventTarget = new EventTarget();
    const fetchFunc = self.options.fetch;
    fetchFunc(endpoint, options).then(self._handleErrors).then((response) => {
      eventTarget.dispatchEvent(new Event("open"));
      const jsonStreamBuf = new LineStreamBuffer();
      const protoStreamBuf = new ReplyStreamBuffer();
      const reader = response.body.getReader();
      return new self.options.readableStream({
        start(controller) {
          function pump() {
            return reader.read().then(({ done, value }) => {
              if (done) {
                eventTarget.dispatchEvent(new Event("close"));
                controller.close();
                return;
              }
              try {
                if (self._protocol === "json") {
                  jsonStreamBuf.push(value, (line) => eventTarget.dispatchEvent(new MessageEvent("message", { data: line })));
                } else {
                  protoStreamBuf.push(value);
                  protoStreamBuf.drain((data) => self.options.decoder.decodeReply(data), (reply) => eventTarget.dispatchEvent(new MessageEvent("message", { data: reply })));
                }
              } catch (error) {
                eventTarget.dispatchEvent(new Event("error", { detail: error }));
                eventTarget.dispatchEvent(new Event("close"));
                controller.close();
                return;
              }
              pump();
            }).catch(function(e) {
              eventTarget.dispatchEvent(new Event("error", { detail: e }));
              eventTarget.dispatchEvent(new Event("close"));
              controller.close();
              return;
            });
          }
          return pump();
        }
      });
    }).catch((error) => {
      eventTarget.dispatchEvent(new Event("error", { detail: error }));
      eventTarget.dispatchEvent(new Event("close"));
    });
    return eventTarget;
  }
  supported() {
    return this.options.fetch !== null && this.options.readableStream !== null && typeof TextDecoder !== "undefined" && typeof AbortController !== "undefined" && typeof EventTarget !== "undefined" && typeof Event !== "undefined" && typeof MessageEvent !== "undefined" && typeof Error !== "undefined";
  }
  initialize(protocol, callbacks, initialData) {
    this._protocol = protocol;
    this._abortController = new AbortController();
    let headers;
    let body;
    if (protocol === "json") {
      headers = {
        "Accept": "application/json",
        "Content-Type": "application/json"
      };
      body = initialData;
    } else {
      headers = {
        "Accept": "application/octet-stream",
        "Content-Type": "application/octet-stream"
      };
      body = initialData;
    }
    const fetchOptions = {
      method: "POST",
      headers,
      body,
      mode: "cors",
      credentials: "same-origin",
      signal: this._abortController.signal
    };
    const eventTarget = this._fetchEventTarget(this, this.endpoint, fetchOptions);
    eventTarget.addEventListener("open", () => {
      callbacks.onOpen();
    });
    eventTarget.addEventListener("error", (e) => {
      this._abortController.abort();
      callbacks.onError(e);
    });
    eventTarget.addEventListener("close", () => {
      this._abortController.abort();
      callbacks.onClose({
        code: 4,
        reason: "connection closed"
      });
    });
    eventTarget.addEventListener("message", (e) => {
      callbacks.onMessage(e.data);
    });
  }
  close() {
    if (this._abortController !== null) {
      this._abortController.abort();
    }
  }
  send(data, session, node) {
    let headers;
    let body;
    const req = {
      session,
      node,
      data
    };
    if (this._protocol === "json") {
      headers = {
        "Content-Type": "application/json"
      };
      body = JSON.stringify(req);
    } else {
      headers = {
        "Content-Type": "application/octet-stream"
      };
      body = this.options.encoder.encodeEmulationRequest(req);
    }
    const fetchFunc = this.options.fetch;
    const fetchOptions = {
      method: "POST",
      headers,
      body,
      mode: "cors",
      credentials: "same-origin",
      // Closing the transport aborts requests still pending, e.g. hung in an
      // intermediary, which would otherwise keep connections of the per-host pool.
      signal: this._abortController.signal
    };
    fetchFunc(this.options.emulationEndpoint, fetchOptions).then((response) => {
      if (response && (response.status === 404 || response.status >= 500)) {
        this.close();
      }
    }, () => {
      this.close();
    });
  }
};
var SseTransport = class {
  constructor(endpoint, options) {
    this.endpoint = endpoint;
    this.options = options;
    this._protocol = "json";
    this._transport = null;
    this._onClose = null;
    this._abortController = null;
  }
  name() {
    return "sse";
  }
  subName() {
    return "sse";
  }
  emulation() {
    return true;
  }
  supported() {
    return this.options.eventsource !== null && this.options.fetch !== null;
  }
  initialize(_protocol, callbacks, initialData) {
    if (typeof AbortController !== "undefined") {
      this._abortController = new AbortController();
    }
    let url;
    if (globalThis && globalThis.document && globalThis.document.baseURI) {
      url = new URL(this.endpoint, globalThis.document.baseURI);
    } else {
      url = new URL(this.endpoint);
    }
    url.searchParams.append("cf_connect", initialData);
    const eventsourceOptions = {};
    const eventSource = new this.options.eventsource(url.toString(), eventsourceOptions);
    this._transport = eventSource;
    const self = this;
    eventSource.onopen = function() {
      callbacks.onOpen();
    };
    eventSource.onerror = function(e) {
      eventSource.close();
      callbacks.onError(e);
      callbacks.onClose({
        code: 4,
        reason: "connection closed"
      });
    };
    eventSource.onmessage = function(e) {
      callbacks.onMessage(e.data);
    };
    self._onClose = function() {
      callbacks.onClose({
        code: 4,
        reason: "connection closed"
      });
    };
  }
  close() {
    if (this._abortController !== null) {
      this._abortController.abort();
    }
    if (this._transport !== null) {
      this._transport.close();
    }
    if (this._onClose !== null) {
      this._onClose();
    }
  }
  send(data, session, node) {
    const req = {
      session,
      node,
      data
    };
    const headers = {
      "Content-Type": "application/json"
    };
    const body = JSON.stringify(req);
    const fetchFunc = this.options.fetch;
    const signal = this._abortController !== null ? this._abortController.signal : void 0;
    const fetchOptions = {
      method: "POST",
      headers,
      body,
      mode: "cors",
      credentials: "same-origin",
      signal
    };
    fetchFunc(this.options.emulationEndpoint, fetchOptions).then((response) => {
      if (response && (response.status === 404 || response.status >= 500)) {
        this.close();
      }
    }, () => {
      if (signal && signal.aborted) {
        return;
      }
      this.close();
    });
  }
};
var WebtransportTransport = class {
  constructor(endpoint, options) {
    this.endpoint = endpoint;
    this.options = options;
    this._transport = null;
    this._stream = null;
    this._writer = null;
    this._protocol = "json";
  }
  name() {
    return "webtransport";
  }
  subName() {
    return "webtransport";
  }
  emulation() {
    return false;
  }
  supported() {
    return this.options.webtransport !== void 0 && this.options.webtransport !== null;
  }
  initialize(protocol, callbacks) {
    return __awaiter(this, void 0, void 0, function* () {
      let url;
      if (globalThis && globalThis.document && globalThis.document.baseURI) {
        url = new URL(this.endpoint, globalThis.document.baseURI);
      } else {
        url = new URL(this.endpoint);
      }
      if (protocol === "protobuf") {
        url.searchParams.append("cf_protocol", "protobuf");
      }
      this._protocol = protocol;
      const eventTarget = new EventTarget();
      this._transport = new this.options.webtransport(url.toString());
      this._transport.closed.then(() => {
        callbacks.onClose({
          code: 4,
          reason: "connection closed"
        });
      }).catch(() => {
        callbacks.onClose({
          code: 4,
          reason: "connection closed"
        });
      });
      try {
        yield this._transport.ready;
      } catch (_a) {
        this.close();
        return;
      }
      let stream;
      try {
        stream = yield this._transport.createBidirectionalStream();
      } catch (_b) {
        this.close();
        return;
      }
      this._stream = stream;
      this._writer = this._stream.writable.getWriter();
      eventTarget.addEventListener("close", () => {
        callbacks.onClose({
          code: 4,
          reason: "connection closed"
        });
      });
      eventTarget.addEventListener("message", (e) => {
        callbacks.onMessage(e.data);
      });
      this._startReading(eventTarget);
      callbacks.onOpen();
    });
  }
  _startReading(eventTarget) {
    return __awaiter(this, void 0, void 0, function* () {
      const reader = this._stream.readable.getReader();
      const jsonStreamBuf = new LineStreamBuffer();
      const protoStreamBuf = new ReplyStreamBuffer();
      try {
        while (true) {
          const { done, value } = yield reader.read();
          if (value && value.length > 0) {
            if (this._protocol === "json") {
              jsonStreamBuf.push(value, (line) => eventTarget.dispatchEvent(new MessageEvent("message", { data: line })));
            } else {
              protoStreamBuf.push(value);
              protoStreamBuf.drain((data) => this.options.decoder.decodeReply(data), (reply) => eventTarget.dispatchEvent(new MessageEvent("message", { data: reply })));
            }
          }
          if (done) {
            break;
          }
        }
      } catch (_a) {
        eventTarget.dispatchEvent(new Event("close"));
      }
    });
  }
  close() {
    return __awaiter(this, void 0, void 0, function* () {
      try {
        if (this._writer) {
          yield this._writer.close();
        }
        this._transport.close();
      } catch (e) {
      }
    });
  }
  send(data) {
    return __awaiter(this, void 0, void 0, function* () {
      let binary;
      if (this._protocol === "json") {
        binary = new TextEncoder().encode(data + "\n");
      } else {
        binary = data;
      }
      try {
        yield this._writer.write(binary);
      } catch (e) {
        this.close();
      }
    });
  }
};
var zValue = [
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  18,
  19,
  20,
  21,
  22,
  23,
  24,
  25,
  26,
  27,
  28,
  29,
  30,
  31,
  32,
  33,
  34,
  35,
  -1,
  -1,
  -1,
  -1,
  36,
  -1,
  37,
  38,
  39,
  40,
  41,
  42,
  43,
  44,
  45,
  46,
  47,
  48,
  49,
  50,
  51,
  52,
  53,
  54,
  55,
  56,
  57,
  58,
  59,
  60,
  61,
  62,
  -1,
  -1,
  -1,
  63,
  -1
];
var Reader = class {
  constructor(array) {
    this.a = array;
    this.pos = 0;
  }
  haveBytes() {
    return this.pos < this.a.length;
  }
  getByte() {
    const b = this.a[this.pos];
    this.pos++;
    if (this.pos > this.a.length)
      throw new RangeError("out of bounds");
    return b;
  }
  getChar() {
    return String.fromCharCode(this.getByte());
  }
  // Read base64-encoded unsigned integer.
  getInt() {
    let v = 0;
    let c;
    while (this.haveBytes() && (c = zValue[127 & this.getByte()]) >= 0) {
      v = (v << 6) + c;
    }
    this.pos--;
    return v >>> 0;
  }
};
var Writer = class {
  constructor() {
    this.a = [];
  }
  toByteArray(sourceType) {
    if (Array.isArray(sourceType)) {
      return this.a;
    }
    return new Uint8Array(this.a);
  }
  // Copy from array at start to end.
  putArray(a, start, end) {
    for (let i = start; i < end; i++)
      this.a.push(a[i]);
  }
};
function checksum(arr) {
  let sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, z = 0, N = arr.length;
  while (N >= 16) {
    sum0 = sum0 + arr[z + 0] | 0;
    sum1 = sum1 + arr[z + 1] | 0;
    sum2 = sum2 + arr[z + 2] | 0;
    sum3 = sum3 + arr[z + 3] | 0;
    sum0 = sum0 + arr[z + 4] | 0;
    sum1 = sum1 + arr[z + 5] | 0;
    sum2 = sum2 + arr[z + 6] | 0;
    sum3 = sum3 + arr[z + 7] | 0;
    sum0 = sum0 + arr[z + 8] | 0;
    sum1 = sum1 + arr[z + 9] | 0;
    sum2 = sum2 + arr[z + 10] | 0;
    sum3 = sum3 + arr[z + 11] | 0;
    sum0 = sum0 + arr[z + 12] | 0;
    sum1 = sum1 + arr[z + 13] | 0;
    sum2 = sum2 + arr[z + 14] | 0;
    sum3 = sum3 + arr[z + 15] | 0;
    z += 16;
    N -= 16;
  }
  while (N >= 4) {
    sum0 = sum0 + arr[z + 0] | 0;
    sum1 = sum1 + arr[z + 1] | 0;
    sum2 = sum2 + arr[z + 2] | 0;
    sum3 = sum3 + arr[z + 3] | 0;
    z += 4;
    N -= 4;
  }
  sum3 = ((sum3 + (sum2 << 8) | 0) + (sum1 << 16) | 0) + (sum0 << 24) | 0;
  switch (N) {
    //@ts-ignore fallthrough is needed.
    case 3:
      sum3 = sum3 + (arr[z + 2] << 8) | 0;
    /* falls through */
    //@ts-ignore fallthrough is needed.
    case 2:
      sum3 = sum3 + (arr[z + 1] << 16) | 0;
    /* falls through */
    case 1:
      sum3 = sum3 + (arr[z + 0] << 24) | 0;
  }
  return sum3 >>> 0;
}
function applyDelta(source, delta) {
  let total = 0;
  const zDelta = new Reader(delta);
  const lenSrc = source.length;
  const lenDelta = delta.length;
  const limit = zDelta.getInt();
  if (zDelta.getChar() !== "\n")
    throw new Error("size integer not terminated by '\\n'");
  const zOut = new Writer();
  while (zDelta.haveBytes()) {
    const cnt = zDelta.getInt();
    let ofst;
    switch (zDelta.getChar()) {
      case "@":
        ofst = zDelta.getInt();
        if (zDelta.haveBytes() && zDelta.getChar() !== ",")
          throw new Error("copy command not terminated by ','");
        total += cnt;
        if (total > limit)
          throw new Error("copy exceeds output file size");
        if (ofst + cnt > lenSrc)
          throw new Error("copy extends past end of input");
        zOut.putArray(source, ofst, ofst + cnt);
        break;
      case ":":
        total += cnt;
        if (total > limit)
          throw new Error("insert command gives an output larger than predicted");
        if (cnt > lenDelta)
          throw new Error("insert count exceeds size of delta");
        zOut.putArray(zDelta.a, zDelta.pos, zDelta.pos + cnt);
        zDelta.pos += cnt;
        break;
      case ";": {
        const out = zOut.toByteArray(source);
        if (cnt !== checksum(out))
          throw new Error("bad checksum");
        if (total !== limit)
          throw new Error("generated size does not match predicted size");
        return out;
      }
      default:
        throw new Error("unknown delta operator");
    }
  }
  throw new Error("unterminated delta");
}
var JsonCodec = class {
  name() {
    return "json";
  }
  encodeCommands(commands) {
    return commands.map((c) => JSON.stringify(c)).join("\n");
  }
  decodeReplies(data) {
    return data.split("\n").filter((r) => r.trim() !== "").map((r) => JSON.parse(r));
  }
  applyDeltaIfNeeded(pub, prevValue) {
    let newData, newPrevValue, wireBytes;
    let isDelta;
    if (pub.delta) {
      isDelta = true;
      const deltaBytes = new TextEncoder().encode(pub.data);
      const valueArray = applyDelta(prevValue, deltaBytes);
      newData = JSON.parse(new TextDecoder().decode(valueArray));
      newPrevValue = valueArray;
      wireBytes = deltaBytes.length;
    } else {
      isDelta = false;
      newData = JSON.parse(pub.data);
      newPrevValue = new TextEncoder().encode(pub.data);
      wireBytes = newPrevValue.length;
    }
    return { newData, newPrevValue, isDelta, wireBytes, fullBytes: newPrevValue.length };
  }
};
var defaults = {
  headers: {},
  token: "",
  getToken: null,
  data: null,
  getData: null,
  debug: false,
  name: "js",
  version: "",
  fetch: null,
  readableStream: null,
  websocket: null,
  eventsource: null,
  sockjs: null,
  sockjsOptions: {},
  emulationEndpoint: "/emulation",
  minReconnectDelay: 500,
  maxReconnectDelay: 2e4,
  timeout: 5e3,
  maxServerPingDelay: 1e4,
  networkEventTarget: null,
  pageEventTarget: null
};
var websocketNotFound = "WebSocket constructor not found, make sure it is available globally or passed as a dependency in Centrifuge options";
var lateCallTimer = 1e3;
var lateCallGrace = 1e3;
function errorMessage(err) {
  try {
    return err instanceof Error ? err.message : String(err);
  } catch (e) {
    return "value without a string form";
  }
}
var UnauthorizedError = class extends Error {
  constructor(message) {
    super(message);
    this.name = this.constructor.name;
  }
};
var Centrifuge = class extends EventEmitter {
  /** Constructs Centrifuge client. Call connect() method to start connecting. */
  constructor(endpoint, options) {
    super();
    this._reconnectTimeout = null;
    this._connectTimeout = null;
    this._removedUnsubscribes = {};
    this._pendingServerSubOffsets = {};
    this._refreshTimeout = null;
    this._serverPingTimeout = null;
    this._handlerFailures = 0;
    this.state = State.Disconnected;
    this._transportIsOpen = false;
    this._endpoint = endpoint;
    this._emulation = false;
    this._transports = [];
    this._currentTransportIndex = 0;
    this._triedAllTransports = false;
    this._transportWasOpen = false;
    this._transport = null;
    this._transportId = 0;
    this._deviceWentOffline = false;
    this._transportClosed = true;
    this._codec = new JsonCodec();
    this._reconnecting = false;
    this._reconnectTimeout = null;
    this._connectTimeout = null;
    this._reconnectAttempts = 0;
    this._client = null;
    this._session = "";
    this._node = "";
    this._subs = {};
    this._serverSubs = {};
    this._commandId = 0;
    this._commands = [];
    this._batching = false;
    this._refreshRequired = false;
    this._refreshTimeout = null;
    this._callbacks = {};
    this._token = "";
    this._data = null;
    this._dispatchPromise = Promise.resolve();
    this._serverPing = 0;
    this._serverPingTimeout = null;
    this._sendPong = false;
    this._promises = {};
    this._promiseId = 0;
    this._debugEnabled = false;
    this._networkEvents = null;
    this._pageEvents = null;
    this._pageCached = false;
    this._stateTransitions = 0;
    this._disconnects = 0;
    this._abortedTransportId = 0;
    this._reconnectAttemptsResetPending = false;
    this._config = Object.assign(Object.assign({}, defaults), options);
    this._configure();
    if (this._debugEnabled) {
      this.on("state", (ctx) => {
        this._debug("client state", ctx.oldState, "->", ctx.newState);
      });
      this.on("error", (ctx) => {
        this._debug("client error", ctx);
      });
    } else {
      this.on("error", function() {
        Function.prototype();
      });
    }
  }
  /** newSubscription allocates new Subscription to a channel. Since server only allows
   * one subscription per channel per client this method throws if client already has
   * channel subscription in internal registry.
   * */
  newSubscription(channel, options) {
    if (this.getSubscription(channel) !== null) {
      throw new Error("Subscription to the channel " + channel + " already exists");
    }
    const sub = new Subscription(this, channel, options);
    this._subs[channel] = sub;
    return sub;
  }
  /** newMapSubscription allocates new map Subscription to a channel. Since server only allows
   * one subscription per channel per client this method throws if client already has
   * channel subscription in internal registry.
   *
   * Experimental. Requires Centrifugo >= v6.8.0. API may change in a backwards-incompatible
   * way in subsequent minor releases. */
  newMapSubscription(channel, options) {
    if (this.getSubscription(channel) !== null) {
      throw new Error("Subscription to the channel " + channel + " already exists");
    }
    const sub = new MapSubscription(this, channel, {
      token: options === null || options === void 0 ? void 0 : options.token,
      getToken: options === null || options === void 0 ? void 0 : options.getToken,
      data: options === null || options === void 0 ? void 0 : options.data,
      minResubscribeDelay: options === null || options === void 0 ? void 0 : options.minResubscribeDelay,
      maxResubscribeDelay: options === null || options === void 0 ? void 0 : options.maxResubscribeDelay,
      delta: options === null || options === void 0 ? void 0 : options.delta,
      tagsFilter: options === null || options === void 0 ? void 0 : options.tagsFilter,
      map: true,
      mapPageSize: options === null || options === void 0 ? void 0 : options.pageSize,
      mapUnrecoverableStrategy: options === null || options === void 0 ? void 0 : options.unrecoverableStrategy
    });
    this._subs[channel] = sub;
    return sub;
  }
  /** Create a map subscription for observing individual connections (clients presence).
   * Each entry has key=clientId and contains full ClientInfo.
   * Use this to track connections per channel.
   * The channel should be the full presence channel name (e.g., "$clients:games").
   *
   * Experimental. Requires Centrifugo >= v6.8.0. API may change in a backwards-incompatible
   * way in subsequent minor releases. */
  newMapClientsSubscription(channel, options) {
    if (this.getSubscription(channel) !== null) {
      throw new Error("Subscription to the channel " + channel + " already exists");
    }
    const sub = new MapSubscription(this, channel, {
      token: options === null || options === void 0 ? void 0 : options.token,
      getToken: options === null || options === void 0 ? void 0 : options.getToken,
      data: options === null || options === void 0 ? void 0 : options.data,
      minResubscribeDelay: options === null || options === void 0 ? void 0 : options.minResubscribeDelay,
      maxResubscribeDelay: options === null || options === void 0 ? void 0 : options.maxResubscribeDelay,
      delta: options === null || options === void 0 ? void 0 : options.delta,
      tagsFilter: options === null || options === void 0 ? void 0 : options.tagsFilter,
      map: true,
      mapPresenceType: 2,
      // MAP_CLIENTS_PRESENCE
      mapPageSize: options === null || options === void 0 ? void 0 : options.pageSize,
      mapUnrecoverableStrategy: options === null || options === void 0 ? void 0 : options.unrecoverableStrategy
    });
    this._subs[channel] = sub;
    return sub;
  }
  /** Create a map subscription for observing unique users (users presence).
   * Each entry has key=userId (no ClientInfo stored).
   * User entries expire via TTL, providing debounce for quick reconnects.
   * The channel should be the full presence channel name (e.g., "$users:games").
   *
   * Experimental. Requires Centrifugo >= v6.8.0. API may change in a backwards-incompatible
   * way in subsequent minor releases. */
  newMapUsersSubscription(channel, options) {
    if (this.getSubscription(channel) !== null) {
      throw new Error("Subscription to the channel " + channel + " already exists");
    }
    const sub = new MapSubscription(this, channel, {
      token: options === null || options === void 0 ? void 0 : options.token,
      getToken: options === null || options === void 0 ? void 0 : options.getToken,
      data: options === null || options === void 0 ? void 0 : options.data,
      minResubscribeDelay: options === null || options === void 0 ? void 0 : options.minResubscribeDelay,
      maxResubscribeDelay: options === null || options === void 0 ? void 0 : options.maxResubscribeDelay,
      delta: options === null || options === void 0 ? void 0 : options.delta,
      tagsFilter: options === null || options === void 0 ? void 0 : options.tagsFilter,
      map: true,
      mapPresenceType: 3,
      // MAP_USERS_PRESENCE
      mapPageSize: options === null || options === void 0 ? void 0 : options.pageSize,
      mapUnrecoverableStrategy: options === null || options === void 0 ? void 0 : options.unrecoverableStrategy
    });
    this._subs[channel] = sub;
    return sub;
  }
  /** newSharedPollSubscription allocates a new shared poll Subscription to a channel.
   * Shared poll subscriptions use server-side polling to aggregate interest sets
   * and deliver periodic updates with version tracking. Track items after subscribing
   * using the track() method on the returned Subscription.
   *
   * Experimental. Requires Centrifugo >= v6.8.0. API may change in a backwards-incompatible
   * way in subsequent minor releases. */
  newSharedPollSubscription(channel, options) {
    if (this.getSubscription(channel) !== null) {
      throw new Error("Subscription to the channel " + channel + " already exists");
    }
    const sub = new SharedPollSubscription(this, channel, {
      token: options === null || options === void 0 ? void 0 : options.token,
      getToken: options === null || options === void 0 ? void 0 : options.getToken,
      data: options === null || options === void 0 ? void 0 : options.data,
      minResubscribeDelay: options === null || options === void 0 ? void 0 : options.minResubscribeDelay,
      maxResubscribeDelay: options === null || options === void 0 ? void 0 : options.maxResubscribeDelay,
      delta: options === null || options === void 0 ? void 0 : options.delta,
      sharedPoll: true,
      sharedPollGetSignature: options === null || options === void 0 ? void 0 : options.getSignature
    });
    this._subs[channel] = sub;
    return sub;
  }
  /** getSubscription returns Subscription if it's registered in the internal
   * registry or null. */
  getSubscription(channel) {
    return this._getSub(channel);
  }
  /** Get a map subscription by channel. */
  getMapSubscription(channel) {
    return this._getSub(channel);
  }
  /** Get a shared poll subscription by channel. */
  getSharedPollSubscription(channel) {
    return this._getSub(channel);
  }
  /** removeSubscription allows removing Subcription from the internal registry. */
  removeSubscription(sub) {
    if (!sub) {
      return;
    }
    if (this._subs[sub.channel] !== sub) {
      return;
    }
    delete this._subs[sub.channel];
    sub._removed = true;
    if (sub.state !== SubscriptionState.Unsubscribed) {
      sub.unsubscribe();
    }
    this._recordRemovedUnsubscribe(sub);
  }
  /** Remove a map subscription. */
  removeMapSubscription(sub) {
    this.removeSubscription(sub);
  }
  /** Remove a shared poll subscription. */
  removeSharedPollSubscription(sub) {
    this.removeSubscription(sub);
  }
  /** Get a map with all current client-side subscriptions. */
  subscriptions() {
    return this._subs;
  }
  /** Get all map subscriptions. */
  mapSubscriptions() {
    const result = {};
    for (const [ch, sub] of Object.entries(this._subs)) {
      if (sub.type === "map")
        result[ch] = sub;
    }
    return result;
  }
  /** Get all shared poll subscriptions. */
  sharedPollSubscriptions() {
    const result = {};
    for (const [ch, sub] of Object.entries(this._subs)) {
      if (sub.type === "shared_poll")
        result[ch] = sub;
    }
    return result;
  }
  /** ready returns a Promise which resolves upon client goes to Connected
   * state and rejects in case of client goes to Disconnected or Failed state.
   * Users can provide optional timeout in milliseconds. */
  ready(timeout) {
    return __awaiter(this, void 0, void 0, function* () {
      switch (this.state) {
        case State.Disconnected:
          throw { code: errorCodes.clientDisconnected, message: "client disconnected" };
        case State.Connected:
          return;
        default:
          return new Promise((resolve, reject) => {
            const id = this._nextPromiseId();
            const ctx = { resolve, reject };
            if (timeout) {
              ctx.timeout = setTimeout(() => {
                delete this._promises[id];
                reject({ code: errorCodes.timeout, message: "timeout" });
              }, timeout);
            }
            this._promises[id] = ctx;
          });
      }
    });
  }
  /** connect to a server. */
  connect() {
    if (this._isConnected()) {
      this._debug("connect called when already connected");
      return;
    }
    if (this._isConnecting()) {
      this._debug("connect called when already connecting");
      return;
    }
    this._debug("connect called");
    this._validateTransportConfig();
    this._reconnectAttempts = 0;
    this._startConnecting();
  }
  /** disconnect from a server. */
  disconnect() {
    this._disconnect(disconnectedCodes.disconnectCalled, "disconnect called", false);
  }
  /** setToken allows setting connection token. Or resetting used token to be empty.  */
  setToken(token) {
    this._token = token;
    if (this._config.getToken === null) {
      this._refreshRequired = false;
    }
  }
  /** setData allows setting connection data. This only affects the next connection attempt,
   * not the current one. Note that if getData callback is configured, it will override
   * this value during reconnects. */
  setData(data) {
    this._data = data;
  }
  /** setHeaders allows setting connection emulated headers. */
  setHeaders(headers) {
    this._config.headers = headers;
  }
  /** send asynchronous data to a server (without any response from a server
   * expected, see rpc method if you need response). */
  send(data) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        send: {
          data
        }
      };
      yield this._methodCall();
      const sent = this._transportSendCommands([cmd]);
      if (!sent) {
        throw this._createErrorObject(errorCodes.transportWriteError, "transport write error");
      }
    });
  }
  /** rpc to a server - i.e. a call which waits for a response with data. */
  rpc(method, data) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        rpc: {
          method,
          data
        }
      };
      yield this._methodCall();
      const result = yield this._callPromise(cmd, (reply) => reply.rpc);
      return {
        data: result.data
      };
    });
  }
  /** publish data to a channel. */
  publish(channel, data) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        publish: {
          channel,
          data
        }
      };
      yield this._methodCall();
      yield this._callPromise(cmd, () => ({}));
      return {};
    });
  }
  /** Publish data to a key in a map channel without holding a MapSubscription.
   * Use this when you need to write to a map channel from outside a subscription
   * context (e.g. a standalone publisher). When you already hold a MapSubscription,
   * prefer `sub.publish(key, data)` instead — it enforces the method-call guard and
   * applies debounce configuration. */
  mapPublish(channel, key, data) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        publish: { channel, type: 1, key, data }
      };
      yield this._methodCall();
      yield this._callPromise(cmd, () => ({}));
      return {};
    });
  }
  /** Remove a key from a map channel without holding a MapSubscription.
   * Use this when you need to remove a key from outside a subscription context.
   * When you already hold a MapSubscription, prefer `sub.remove(key)` instead —
   * it enforces the method-call guard and cancels any pending debounced publish. */
  mapRemove(channel, key) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        publish: { channel, type: 1, key, removed: true }
      };
      yield this._methodCall();
      yield this._callPromise(cmd, () => ({}));
      return {};
    });
  }
  /** history for a channel. By default it does not return publications (only current
   *  StreamPosition data) – provide an explicit limit > 0 to load publications.*/
  history(channel, options) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        history: this._getHistoryRequest(channel, options)
      };
      yield this._methodCall();
      const result = yield this._callPromise(cmd, (reply) => reply.history);
      const publications = [];
      if (result.publications) {
        for (let i = 0; i < result.publications.length; i++) {
          publications.push(this._getPublicationContext(channel, result.publications[i]));
        }
      }
      return {
        publications,
        epoch: result.epoch || "",
        offset: toOffset(result.offset)
      };
    });
  }
  /** presence for a channel. */
  presence(channel) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        presence: {
          channel
        }
      };
      yield this._methodCall();
      const result = yield this._callPromise(cmd, (reply) => reply.presence);
      const clients = result.presence;
      for (const clientId in clients) {
        if (Object.prototype.hasOwnProperty.call(clients, clientId)) {
          const rawClient = clients[clientId];
          const connInfo = rawClient["conn_info"];
          const chanInfo = rawClient["chan_info"];
          if (connInfo) {
            rawClient.connInfo = connInfo;
          }
          if (chanInfo) {
            rawClient.chanInfo = chanInfo;
          }
        }
      }
      return { clients };
    });
  }
  presenceStats(channel) {
    return __awaiter(this, void 0, void 0, function* () {
      const cmd = {
        "presence_stats": {
          channel
        }
      };
      yield this._methodCall();
      const result = yield this._callPromise(cmd, (reply) => {
        return reply.presence_stats;
      });
      return {
        numUsers: result.num_users,
        numClients: result.num_clients
      };
    });
  }
  /** start command batching (collect into temporary buffer without sending to a server)
   * until stopBatching called.*/
  startBatching() {
    this._batching = true;
  }
  /** stop batching commands and flush collected commands to the
   * network (all in one request/frame).*/
  stopBatching() {
    const self = this;
    Promise.resolve().then(function() {
      Promise.resolve().then(function() {
        self._batching = false;
        self._flush();
      });
    });
  }
  _debug(...args) {
    if (!this._debugEnabled) {
      return;
    }
    log("debug", args);
  }
  _codecName() {
    return this._codec.name();
  }
  /** @internal */
  _formatOverride() {
    return;
  }
  _configure() {
    if (!("Promise" in globalThis)) {
      throw new Error("Promise polyfill required");
    }
    if (!this._endpoint) {
      throw new Error("endpoint configuration required");
    }
    if (this._config.token !== null) {
      this._token = this._config.token;
    }
    if (this._config.data !== null) {
      this._data = this._config.data;
    }
    this._codec = new JsonCodec();
    this._formatOverride();
    if (this._config.debug === true || localStorageItem("centrifuge.debug")) {
      this._debugEnabled = true;
    }
    this._debug("config", this._config);
    if (typeof this._endpoint === "string") ;
    else if (Array.isArray(this._endpoint)) {
      this._transports = this._endpoint;
      this._emulation = true;
      for (const i in this._transports) {
        if (this._transports.hasOwnProperty(i)) {
          const transportConfig = this._transports[i];
          if (!transportConfig.endpoint || !transportConfig.transport) {
            throw new Error("malformed transport configuration");
          }
          const transportName = transportConfig.transport;
          if (["websocket", "http_stream", "sse", "sockjs", "webtransport"].indexOf(transportName) < 0) {
            throw new Error("unsupported transport name: " + transportName);
          }
        }
      }
    } else {
      throw new Error("unsupported url configuration type: only string or array of objects are supported");
    }
  }
  // Returns the number of the transition made, or 0 if the client already was in newState.
  _setState(newState) {
    if (this.state !== newState) {
      this._reconnecting = false;
      const oldState = this.state;
      this.state = newState;
      const transition = ++this._stateTransitions;
      if (newState === State.Connecting) {
        this._setNetworkEvents();
        this._setPageEvents();
      } else if (newState === State.Disconnected) {
        this._clearNetworkEvents();
        this._clearPageEvents();
      }
      this.emit("state", { newState, oldState });
      return transition;
    }
    return 0;
  }
  // Whether an event handler made another state transition after the given one
  // (as returned by _setState), so that the given one is outdated.
  _transitionSuperseded(transition) {
    return transition !== 0 && this._stateTransitions !== transition;
  }
  _isDisconnected() {
    return this.state === State.Disconnected;
  }
  _isConnecting() {
    return this.state === State.Connecting;
  }
  _isConnected() {
    return this.state === State.Connected;
  }
  _nextCommandId() {
    return ++this._commandId;
  }
  _setNetworkEvents() {
    if (this._networkEvents !== null) {
      return;
    }
    let eventTarget = null;
    if (this._config.networkEventTarget !== null) {
      eventTarget = this._config.networkEventTarget;
    } else if (typeof globalThis.addEventListener !== "undefined") {
      eventTarget = globalThis;
    }
    if (eventTarget) {
      const onOffline = () => {
        this._debug("offline event triggered");
        if (this.state === State.Connected || this.state === State.Connecting) {
          this._deviceWentOffline = true;
          this._disconnect(connectingCodes.transportClosed, "transport closed", true);
        }
      };
      const onOnline = () => {
        this._debug("online event triggered");
        const wentOffline = this._deviceWentOffline;
        this._deviceWentOffline = false;
        if (this.state !== State.Connecting) {
          return;
        }
        if (wentOffline && !this._transportClosed) {
          this._abortedTransportId = this._transportId;
          this._disconnect(connectingCodes.transportClosed, "transport closed", true);
        }
        this._clearReconnectTimeout();
        this._startReconnecting();
      };
      eventTarget.addEventListener("offline", onOffline);
      eventTarget.addEventListener("online", onOnline);
      this._networkEvents = { target: eventTarget, onOffline, onOnline };
    }
  }
  // The online listener drives reconnect, so listeners stay until the client is
  // disconnected; removing them then lets a disconnected client be garbage-collected.
  _clearNetworkEvents() {
    if (this._networkEvents === null) {
      return;
    }
    const { target, onOffline, onOnline } = this._networkEvents;
    if (!isFunction(target.removeEventListener)) {
      this._debug("network event target has no removeEventListener, listeners kept");
      return;
    }
    target.removeEventListener("offline", onOffline);
    target.removeEventListener("online", onOnline);
    this._networkEvents = null;
  }
  // A page entering the back/forward cache is frozen, but the browser may keep its
  // socket open: the server then sees a client that stopped answering pings. So the
  // transport is closed when the page is hidden into the cache, and the client
  // reconnects as soon as the page is restored from it. The reconnect is scheduled
  // as usual too: its timer does not run in a frozen page, and it still reconnects
  // a page which was not frozen, or was restored without a pageshow event.
  _setPageEvents() {
    if (this._pageEvents !== null) {
      return;
    }
    let eventTarget = null;
    if (this._config.pageEventTarget !== null) {
      eventTarget = this._config.pageEventTarget;
    } else if (typeof globalThis.addEventListener !== "undefined") {
      eventTarget = globalThis;
    }
    if (!eventTarget) {
      return;
    }
    const onPageHide = (e) => {
      if (!e.persisted) {
        return;
      }
      this._debug("page entered back/forward cache");
      if (this.state === State.Connected || this.state === State.Connecting) {
        this._pageCached = true;
        this._disconnect(connectingCodes.transportClosed, "page entered back/forward cache", true);
      }
    };
    const onPageShow = (e) => {
      if (!e.persisted) {
        return;
      }
      this._debug("page restored from back/forward cache");
      const cached = this._pageCached;
      this._pageCached = false;
      if (!cached || this.state !== State.Connecting) {
        return;
      }
      this._clearReconnectTimeout();
      this._startReconnecting();
    };
    eventTarget.addEventListener("pagehide", onPageHide);
    eventTarget.addEventListener("pageshow", onPageShow);
    this._pageEvents = { target: eventTarget, onPageHide, onPageShow };
  }
  // Removed once the client is disconnected, like the network listeners.
  _clearPageEvents() {
    if (this._pageEvents === null) {
      return;
    }
    const { target, onPageHide, onPageShow } = this._pageEvents;
    if (!isFunction(target.removeEventListener)) {
      this._debug("page event target has no removeEventListener, listeners kept");
      return;
    }
    target.removeEventListener("pagehide", onPageHide);
    target.removeEventListener("pageshow", onPageShow);
    this._pageEvents = null;
  }
  _getReconnectDelay() {
    const delay = backoff(this._reconnectAttempts, this._config.minReconnectDelay, this._config.maxReconnectDelay);
    this._reconnectAttempts += 1;
    return delay;
  }
  // See _connectResponse: an emulation connection resets the backoff once it
  // proved usable.
  _resetReconnectAttemptsIfPending() {
    if (this._reconnectAttemptsResetPending) {
      this._reconnectAttemptsResetPending = false;
      this._reconnectAttempts = 0;
    }
  }
  _clearOutgoingRequests() {
    for (const id in this._callbacks) {
      if (this._callbacks.hasOwnProperty(id)) {
        const callbacks = this._callbacks[id];
        clearTimeout(callbacks.timeout);
        const errback = callbacks.errback;
        if (!errback) {
          continue;
        }
        errback({ error: this._createErrorObject(errorCodes.connectionClosed, "connection closed") });
      }
    }
    this._callbacks = {};
  }
  _clearConnectedState() {
    this._client = null;
    this._clearServerPingTimeout();
    this._clearRefreshTimeout();
    for (const channel in this._subs) {
      if (!this._subs.hasOwnProperty(channel)) {
        continue;
      }
      const sub = this._subs[channel];
      if (sub.state === SubscriptionState.Subscribed) {
        sub._setSubscribing(subscribingCodes.transportClosed, "transport closed");
      }
    }
    for (const channel in this._serverSubs) {
      if (this._serverSubs.hasOwnProperty(channel) && this._serverSubs[channel].subscribed) {
        this._serverSubs[channel].subscribed = false;
        this.emit("subscribing", { channel });
      }
    }
  }
  _handleWriteError(commands) {
    for (const command of commands) {
      const id = command.id;
      if (!(id in this._callbacks)) {
        continue;
      }
      const callbacks = this._callbacks[id];
      clearTimeout(this._callbacks[id].timeout);
      delete this._callbacks[id];
      const errback = callbacks.errback;
      errback({ error: this._createErrorObject(errorCodes.transportWriteError, "transport write error") });
    }
  }
  _transportSendCommands(commands) {
    if (!commands.length) {
      return true;
    }
    if (!this._transport) {
      return false;
    }
    try {
      this._transport.send(this._codec.encodeCommands(commands), this._session, this._node);
    } catch (e) {
      this._debug("error writing commands", e);
      this._handleWriteError(commands);
      return false;
    }
    return true;
  }
  _advanceTransportIndex() {
    this._currentTransportIndex++;
    if (this._currentTransportIndex >= this._transports.length) {
      this._triedAllTransports = true;
      this._currentTransportIndex = 0;
    }
  }
  // Transport dependencies from the config, or else from globals. An absent one
  // stays null, not undefined: supported() of sockjs, sse and http_stream only
  // checks `!== null`.
  _resolveTransportDeps() {
    let websocket;
    if (this._config.websocket !== null) {
      websocket = this._config.websocket;
    } else {
      if (!(typeof globalThis.WebSocket !== "function" && typeof globalThis.WebSocket !== "object")) {
        websocket = globalThis.WebSocket;
      }
    }
    let sockjs = null;
    if (this._config.sockjs !== null) {
      sockjs = this._config.sockjs;
    } else {
      if (typeof globalThis.SockJS !== "undefined") {
        sockjs = globalThis.SockJS;
      }
    }
    let eventsource = null;
    if (this._config.eventsource !== null) {
      eventsource = this._config.eventsource;
    } else {
      if (typeof globalThis.EventSource !== "undefined") {
        eventsource = globalThis.EventSource;
      }
    }
    let fetchFunc = null;
    if (this._config.fetch !== null) {
      fetchFunc = this._config.fetch;
    } else {
      if (typeof globalThis.fetch !== "undefined") {
        fetchFunc = globalThis.fetch;
      }
    }
    let readableStream = null;
    if (this._config.readableStream !== null) {
      readableStream = this._config.readableStream;
    } else {
      if (typeof globalThis.ReadableStream !== "undefined") {
        readableStream = globalThis.ReadableStream;
      }
    }
    return { websocket, sockjs, eventsource, fetchFunc, readableStream };
  }
  // Constructs a transport, without checking that it is supported.
  _createTransport(transportName, endpoint, deps) {
    switch (transportName) {
      case "websocket":
        return new WebsocketTransport(endpoint, {
          websocket: deps.websocket
        });
      case "webtransport":
        return new WebtransportTransport(endpoint, {
          webtransport: globalThis.WebTransport,
          decoder: this._codec,
          encoder: this._codec
        });
      case "http_stream":
        return new HttpStreamTransport(endpoint, {
          fetch: deps.fetchFunc,
          readableStream: deps.readableStream,
          emulationEndpoint: this._config.emulationEndpoint,
          decoder: this._codec,
          encoder: this._codec
        });
      case "sse":
        return new SseTransport(endpoint, {
          eventsource: deps.eventsource,
          fetch: deps.fetchFunc,
          emulationEndpoint: this._config.emulationEndpoint
        });
      case "sockjs":
        return new SockjsTransport(endpoint, {
          sockjs: deps.sockjs,
          sockjsOptions: this._config.sockjsOptions
        });
      default:
        throw new Error("unknown transport " + transportName);
    }
  }
  // Throws for a configuration no retry can fix. Called from connect() before
  // the state changes, so the client stays disconnected, and before a token or
  // data is loaded, so it fails the same way with getToken or getData.
  _validateTransportConfig() {
    const deps = this._resolveTransportDeps();
    if (!this._emulation) {
      if (startsWith(this._endpoint, "http")) {
        throw new Error("Provide explicit transport endpoints configuration in case of using HTTP (i.e. using array of TransportEndpoint instead of a single string), or use ws(s):// scheme in an endpoint if you aimed using WebSocket transport");
      }
      if (!this._createTransport("websocket", this._endpoint, deps).supported()) {
        throw new Error(websocketNotFound);
      }
      return;
    }
    for (const transportConfig of this._transports) {
      if (this._createTransport(transportConfig.transport, transportConfig.endpoint, deps).supported()) {
        return;
      }
    }
    throw new Error("no supported transport found");
  }
  _initializeTransport() {
    const deps = this._resolveTransportDeps();
    let selected = null;
    if (!this._emulation) {
      this._debug("client will use websocket");
      const candidate = this._createTransport("websocket", this._endpoint, deps);
      if (candidate.supported()) {
        selected = candidate;
      }
    } else {
      if (this._currentTransportIndex >= this._transports.length) {
        this._triedAllTransports = true;
        this._currentTransportIndex = 0;
      }
      for (let count = 0; count < this._transports.length; count++) {
        const transportConfig = this._transports[this._currentTransportIndex];
        this._debug("trying " + transportConfig.transport + " transport");
        const candidate = this._createTransport(transportConfig.transport, transportConfig.endpoint, deps);
        if (candidate.supported()) {
          selected = candidate;
          break;
        }
        this._debug(transportConfig.transport + " transport not available");
        this._advanceTransportIndex();
      }
    }
    if (selected === null) {
      const message = this._emulation ? "no supported transport found" : websocketNotFound;
      this._debug(message);
      this._disconnect(connectingCodes.transportClosed, "transport closed", true);
      this.emit("error", {
        type: "transport",
        error: {
          code: errorCodes.transportClosed,
          message
        }
      });
      return;
    }
    this._transport = selected;
    const self = this;
    const transport = this._transport;
    const transportId = this._nextTransportId();
    self._debug("id of transport", transportId);
    let wasOpen = false;
    const initialCommands = [];
    if (this._transport.emulation()) {
      const connectCommand = self._sendConnect(true);
      initialCommands.push(connectCommand);
    }
    this._transportClosed = false;
    const failTransport = function(reason) {
      if (self._transportId != transportId) {
        self._debug("failure of non-actual transport", reason);
        return;
      }
      self._debug(transport.name(), "transport failed:", reason);
      if (self._emulation && !self._transportWasOpen) {
        self._advanceTransportIndex();
      }
      self._abortedTransportId = transportId;
      self._disconnect(connectingCodes.transportClosed, "transport closed", true);
      self.emit("error", {
        type: "transport",
        error: {
          code: errorCodes.transportClosed,
          message: reason
        },
        transport: transport.name()
      });
    };
    this._clearConnectTimeout();
    const connectDue = Date.now() + this._config.timeout;
    this._connectTimeout = setTimeout(function() {
      const late = Date.now() - connectDue >= lateCallTimer;
      self._connectTimeout = setTimeout(function() {
        self._connectTimeout = null;
        failTransport("connect timeout");
      }, late ? lateCallGrace : 0);
    }, this._config.timeout);
    const callbacks = {
      onOpen: function() {
        if (self._transportId != transportId) {
          self._debug("open callback from non-actual transport");
          try {
            transport.close();
          } catch (e) {
            self._debug("error closing transport", e);
          }
          return;
        }
        self._clearConnectTimeout();
        wasOpen = true;
        self._debug(transport.subName(), "transport open");
        if (transport.emulation()) {
          return;
        }
        self._transportIsOpen = true;
        self._transportWasOpen = true;
        self.startBatching();
        try {
          self._sendConnect(false);
          self._sendSubscribeCommands();
        } catch (e) {
          self._reportDispatchError(e);
        } finally {
          self.stopBatching();
        }
        self.emit("__centrifuge_debug:connect_frame_sent", {});
      },
      onError: function(e) {
        if (self._transportId != transportId) {
          self._debug("error callback from non-actual transport");
          return;
        }
        self._debug("transport level error", e);
      },
      onClose: function handleClose(closeEvent, dispatched) {
        if (self._transportId != transportId) {
          self._debug("close callback from non-actual transport");
          return;
        }
        if (!dispatched && (transport.emulation() || transport.name() === "webtransport")) {
          self._dispatchPromise.then(() => handleClose(closeEvent, true));
          return;
        }
        self._clearConnectTimeout();
        self._debug(transport.subName(), "transport closed");
        self._transportClosed = true;
        self._transportIsOpen = false;
        let reason = "connection closed";
        let needReconnect = true;
        let code = 0;
        if (closeEvent && "code" in closeEvent && closeEvent.code) {
          code = closeEvent.code;
        }
        if (closeEvent && closeEvent.reason) {
          try {
            const advice = JSON.parse(closeEvent.reason);
            reason = advice.reason;
            needReconnect = advice.reconnect;
          } catch (e) {
            reason = closeEvent.reason;
            if (code >= 3500 && code < 4e3 || code >= 4500 && code < 5e3) {
              needReconnect = false;
            }
          }
        }
        if (code < 3e3) {
          if (code === 1009) {
            code = disconnectedCodes.messageSizeLimit;
            reason = "message size limit exceeded";
            needReconnect = false;
          } else {
            code = connectingCodes.transportClosed;
            reason = "transport closed";
          }
          if (self._emulation && !self._transportWasOpen) {
            self._advanceTransportIndex();
          }
        } else {
          self._transportWasOpen = true;
        }
        const teardown = function() {
          self._reconnecting = false;
          self._disconnect(code, reason, needReconnect);
        };
        if (self._isConnecting() && !wasOpen) {
          self._abortedTransportId = transportId;
          self._emitError({
            type: "transport",
            error: {
              code: errorCodes.transportClosed,
              message: "transport closed"
            },
            transport: transport.name()
          }, teardown);
        } else {
          teardown();
        }
      },
      onMessage: function(data) {
        if (self._transportId != transportId) {
          self._debug("message from non-actual transport");
          return;
        }
        self._dataReceived(data, transportId);
      }
    };
    const onInitializeError = function(e) {
      self._debug("error initializing transport", e);
      failTransport(e instanceof Error ? e.message : String(e));
    };
    let initialized;
    try {
      initialized = transport.initialize(this._codecName(), callbacks, this._codec.encodeCommands(initialCommands));
    } catch (e) {
      onInitializeError(e);
      return;
    }
    if (initialized && isFunction(initialized.then)) {
      initialized.then(null, onInitializeError);
    }
    self.emit("__centrifuge_debug:transport_initialized", {});
  }
  _sendConnect(skipSending) {
    const connectCommand = this._constructConnectCommand();
    const self = this;
    const transportId = this._transportId;
    const token = this._token;
    this._call(connectCommand, skipSending).then((resolveCtx) => {
      try {
        self._connectResponse(resolveCtx.reply.connect);
      } catch (err) {
        self._dispatchFailed(err);
      } finally {
        if (resolveCtx.next) {
          resolveCtx.next();
        }
      }
    }, (rejectCtx) => {
      try {
        if (transportId === self._abortedTransportId) {
          self._debug("connect command of a transport aborted by the client rejected");
        } else {
          self._connectError(rejectCtx.error, self._transportId !== transportId, rejectCtx.next !== void 0, token);
        }
      } catch (err) {
        self._rejectionFailed(err, rejectCtx);
      } finally {
        if (rejectCtx.next) {
          rejectCtx.next();
        }
      }
    });
    return connectCommand;
  }
  _startReconnecting() {
    this._debug("start reconnecting");
    if (!this._isConnecting()) {
      this._debug("stop reconnecting: client not in connecting state");
      return;
    }
    if (this._reconnecting) {
      this._debug("reconnect already in progress, return from reconnect routine");
      return;
    }
    if (this._transportClosed === false) {
      this._debug("waiting for transport close");
      return;
    }
    this._reconnecting = true;
    const disconnects = this._disconnects;
    const emptyToken = this._token === "";
    const needTokenRefresh = this._refreshRequired || emptyToken && this._config.getToken !== null;
    let tokenResolved = false;
    let dataResolved = false;
    if (!needTokenRefresh) {
      if (this._config.getData) {
        this._getData().then((data) => {
          dataResolved = true;
          if (this._attemptAborted(disconnects)) {
            return;
          }
          this._data = data;
          this._initializeTransport();
        }).catch((e) => this._handleGetDataError(e, disconnects, dataResolved));
      } else {
        this._initializeTransport();
      }
      return;
    }
    const self = this;
    this._getToken().then(function(token) {
      tokenResolved = true;
      if (self._attemptAborted(disconnects)) {
        return;
      }
      if (token == null || token == void 0) {
        self._failUnauthorized();
        return;
      }
      self._token = token;
      self._debug("connection token refreshed");
      if (self._config.getData) {
        self._getData().then(function(data) {
          dataResolved = true;
          if (self._attemptAborted(disconnects)) {
            return;
          }
          self._data = data;
          self._initializeTransport();
        }).catch((e) => self._handleGetDataError(e, disconnects, dataResolved));
      } else {
        self._initializeTransport();
      }
    }).catch(function(e) {
      if (self._attemptAborted(disconnects)) {
        if (tokenResolved) {
          self._reportDispatchError(e);
        }
        return;
      }
      if (e instanceof UnauthorizedError) {
        self._failUnauthorized();
        return;
      }
      self._emitError({
        "type": "connectToken",
        "error": {
          code: errorCodes.clientConnectToken,
          message: e !== void 0 ? e.toString() : ""
        }
      }, () => {
        const delay = self._getReconnectDelay();
        self._debug("error on getting connection token, reconnect after " + delay + " milliseconds", e);
        self._reconnecting = false;
        self._reconnectTimeout = setTimeout(() => {
          self._startReconnecting();
        }, delay);
      });
    });
  }
  // Emits an error event, then runs the continuation: not when a handler disconnected
  // the client (or threw, which disconnects it), maybe to connect again, whose new
  // attempt the continuation must not touch.
  _emitError(ctx, continuation) {
    const disconnects = this._disconnects;
    try {
      this.emit("error", ctx);
    } finally {
      if (this._disconnects === disconnects) {
        continuation();
      }
    }
  }
  _attemptAborted(disconnects) {
    return !this._isConnecting() || this._disconnects !== disconnects;
  }
  // resolved: the data promise resolved, so the error was thrown by its continuation.
  _handleGetDataError(e, disconnects, resolved) {
    if (this._attemptAborted(disconnects)) {
      if (resolved) {
        this._reportDispatchError(e);
      }
      return;
    }
    if (e instanceof UnauthorizedError) {
      this._failUnauthorized();
      return;
    }
    this._emitError({
      type: "connectData",
      error: {
        code: errorCodes.badConfiguration,
        message: (e === null || e === void 0 ? void 0 : e.toString()) || ""
      }
    }, () => {
      const delay = this._getReconnectDelay();
      this._debug("error on getting connect data, reconnect after " + delay + " milliseconds", e);
      this._reconnecting = false;
      this._reconnectTimeout = setTimeout(() => {
        this._startReconnecting();
      }, delay);
    });
  }
  // stale: the error belongs to a transport that was already closed. It is still
  // reported, but must not tear down the current connection attempt.
  // replied: the server returned the error in a reply, so the transport works.
  // token: the token the connect command carried.
  _connectError(err, stale, replied, token) {
    if (this.state !== State.Connecting) {
      return;
    }
    if (err.code === 109 && token === this._token) {
      this._refreshRequired = true;
    }
    if (err.code < 100 || err.temporary === true || err.code === 109) {
      this._emitError({
        "type": "connect",
        "error": err
      }, () => {
        if (stale) {
          return;
        }
        if (replied) {
          this._transportWasOpen = true;
        }
        if (!replied && this._emulation && !this._transportWasOpen) {
          this._advanceTransportIndex();
        }
        this._debug("closing transport due to connect error");
        this._disconnect(err.code, err.message, true);
      });
    } else if (!stale) {
      this._disconnect(err.code, err.message, false);
    }
  }
  _scheduleReconnect() {
    if (!this._isConnecting()) {
      return;
    }
    let isInitialHandshake = false;
    if (this._emulation && !this._transportWasOpen && !this._triedAllTransports) {
      isInitialHandshake = true;
    }
    const delay = isInitialHandshake ? 0 : this._getReconnectDelay();
    this._debug("reconnect after " + delay + " milliseconds");
    this._clearReconnectTimeout();
    this._reconnectTimeout = setTimeout(() => {
      this._startReconnecting();
    }, delay);
  }
  _constructConnectCommand() {
    const req = {};
    if (this._token) {
      req.token = this._token;
    }
    if (this._data) {
      req.data = this._data;
    }
    if (this._config.name) {
      req.name = this._config.name;
    }
    if (this._config.version) {
      req.version = this._config.version;
    }
    if (Object.keys(this._config.headers).length > 0) {
      req.headers = this._config.headers;
    }
    const subs = {};
    let hasSubs = false;
    for (const channel in this._serverSubs) {
      if (this._serverSubs.hasOwnProperty(channel) && this._serverSubs[channel].recoverable) {
        hasSubs = true;
        const sub = {
          "recover": true
        };
        const pending = this._pendingServerSubOffsets[channel];
        const offset = pending !== void 0 && pending !== null ? pending : this._serverSubs[channel].offset;
        if (offset) {
          sub["offset"] = offset;
        }
        if (this._serverSubs[channel].epoch) {
          sub["epoch"] = this._serverSubs[channel].epoch;
        }
        subs[channel] = sub;
      }
    }
    if (hasSubs) {
      req.subs = subs;
    }
    return {
      connect: req
    };
  }
  _getHistoryRequest(channel, options) {
    const req = {
      channel
    };
    if (options !== void 0) {
      if (options.since) {
        req.since = {
          offset: options.since.offset
        };
        if (options.since.epoch) {
          req.since.epoch = options.since.epoch;
        }
      }
      if (options.limit !== void 0) {
        req.limit = options.limit;
      }
      if (options.reverse === true) {
        req.reverse = true;
      }
    }
    return req;
  }
  _methodCall() {
    if (this._isConnected()) {
      return Promise.resolve();
    }
    return new Promise((res, rej) => {
      const id = this._nextPromiseId();
      const timeout = setTimeout(() => {
        delete this._promises[id];
        rej({ code: errorCodes.timeout, message: "timeout" });
      }, this._config.timeout);
      this._promises[id] = {
        timeout,
        resolve: res,
        reject: rej
      };
    });
  }
  _callPromise(cmd, resultCB) {
    return new Promise((resolve, reject) => {
      this._call(cmd, false).then((resolveCtx) => {
        var _a;
        try {
          resolve(resultCB(resolveCtx.reply));
        } catch (e) {
          reject(e);
        } finally {
          (_a = resolveCtx.next) === null || _a === void 0 ? void 0 : _a.call(resolveCtx);
        }
      }, (rejectCtx) => {
        var _a;
        reject(rejectCtx.error);
        (_a = rejectCtx.next) === null || _a === void 0 ? void 0 : _a.call(rejectCtx);
      });
    });
  }
  _dataReceived(data, transportId = this._transportId) {
    let replies;
    try {
      replies = this._codec.decodeReplies(data);
    } catch (e) {
      this._debug("error decoding received data", e);
      if (this._emulation && !this._transportWasOpen) {
        this._advanceTransportIndex();
      }
      this._disconnect(connectingCodes.transportClosed, "transport closed", true);
      return;
    }
    if (this._serverPing > 0 && replies.length > 0) {
      this._waitServerPing();
    }
    this._dispatchPromise = this._dispatchPromise.then(() => new Promise((resolve) => {
      this._dispatchSynchronized(replies, resolve, transportId);
    }));
  }
  _dispatchSynchronized(replies, finishDispatch, transportId) {
    let p = Promise.resolve();
    for (const i in replies) {
      if (replies.hasOwnProperty(i)) {
        p = p.then(() => {
          if (this._transportId !== transportId) {
            return;
          }
          return this._dispatchReply(replies[i]);
        }).catch((err) => {
          this._dispatchFailed(err);
        });
      }
    }
    p.then(() => {
      finishDispatch();
    });
  }
  /** @internal Every event reaches the application's handlers through here. */
  emit(event, ...args) {
    try {
      return EventEmitter.prototype.emit.call(this, event, ...args);
    } catch (e) {
      this._handlerFailed(e);
      return true;
    }
  }
  // An exception escaping an application event handler. The SDK can't know what the
  // handler left undone, so it fails loudly instead of going on as if nothing
  // happened: the client disconnects without reconnecting, and the exception is
  // re-raised as an unhandled rejection. The SDK's own work continues as if the
  // handler had returned, as for a handler calling disconnect(), so no state change
  // is left half done.
  /** @internal */
  _handlerFailed(err) {
    this._handlerFailures++;
    this._reportDispatchError(err);
    this._disconnect(disconnectedCodes.badProtocol, `exception in event handler: ${errorMessage(err)}`, false);
  }
  // An exception while handling a reply, other than one of an event handler (see
  // _handlerFailed), may have left the client's state inconsistent. The client stops
  // in a state the application can see: it disconnects without reconnecting, so no
  // later reply is processed.
  _dispatchFailed(err) {
    this._reportDispatchError(err);
    this._disconnect(disconnectedCodes.badProtocol, `exception during message handling: ${errorMessage(err)}`, false);
  }
  // The exception is surfaced as an unhandled rejection, as before.
  _reportDispatchError(err) {
    this._debug("error dispatching reply", err);
    Promise.reject(err);
  }
  // An exception, other than one of an event handler, while handling a rejected
  // command. A rejection with next() carries a reply, and is handled as any reply
  // (see _dispatchFailed). A timeout or a teardown doesn't: stopping the client would
  // cancel the reconnect or retry the handling scheduled, so the exception is only
  // reported.
  _rejectionFailed(err, rejectCtx) {
    if (rejectCtx.next !== void 0) {
      this._dispatchFailed(err);
    } else {
      this._reportDispatchError(err);
    }
  }
  _dispatchReply(reply) {
    let next;
    const p = new Promise((resolve) => {
      next = resolve;
    });
    if (reply === void 0 || reply === null) {
      this._debug("dispatch: got undefined or null reply");
      next();
      return p;
    }
    const id = reply.id;
    if (id && id > 0) {
      this._handleReply(reply, next);
    } else {
      if (!reply.push) {
        this._handleServerPing(next);
      } else {
        this._handlePush(reply.push, next);
      }
    }
    return p;
  }
  _call(cmd, skipSending) {
    return new Promise((resolve, reject) => {
      cmd.id = this._nextCommandId();
      this._registerCall(cmd.id, resolve, reject);
      if (!skipSending) {
        this._addCommand(cmd);
      }
    });
  }
  _startConnecting() {
    this._debug("start connecting");
    const transition = this.state !== State.Connecting ? this._stateTransitions + 1 : 0;
    try {
      this._setState(State.Connecting);
      if (transition && !this._transitionSuperseded(transition)) {
        this.emit("connecting", { code: connectingCodes.connectCalled, reason: "connect called" });
      }
    } finally {
      if (!this._transitionSuperseded(transition)) {
        this._client = null;
        this._startReconnecting();
      }
    }
  }
  _disconnect(code, reason, reconnect) {
    if (code === disconnectedCodes.stateInvalidated) {
      if (this._config.getToken !== null) {
        this._token = "";
        this._refreshRequired = true;
      }
      for (const channel in this._subs) {
        if (this._subs.hasOwnProperty(channel)) {
          this._subs[channel]._invalidateState();
        }
      }
      for (const channel in this._serverSubs) {
        if (this._serverSubs.hasOwnProperty(channel)) {
          this._serverSubs[channel].offset = 0;
          this._serverSubs[channel].epoch = "_";
        }
      }
    }
    if (this._isDisconnected()) {
      if (!reconnect) {
        this._rejectPromises({ code: errorCodes.clientDisconnected, message: "disconnected" });
      }
      return;
    }
    const previousState = this.state;
    const newState = reconnect ? State.Connecting : State.Disconnected;
    this._transportIsOpen = false;
    this._reconnecting = false;
    if (previousState === State.Connecting) {
      this._clearReconnectTimeout();
    }
    this._clearConnectTimeout();
    this._nextTransportId();
    this._disconnects++;
    if (this._transport) {
      this._debug("closing existing transport");
      const transport = this._transport;
      this._transport = null;
      try {
        transport.close();
      } catch (e) {
        this._debug("error closing transport", e);
      }
      this._transportClosed = true;
    } else {
      this._debug("no transport to close");
    }
    this._reconnectAttemptsResetPending = false;
    this._commands = [];
    this._clearOutgoingRequests();
    if (!reconnect) {
      this._rejectPromises({ code: errorCodes.clientDisconnected, message: "disconnected" });
      this._deviceWentOffline = false;
      this._pageCached = false;
    }
    const ctx = {
      code,
      reason
    };
    const transition = this.state !== newState ? this._stateTransitions + 1 : 0;
    try {
      try {
        this._setState(newState);
      } finally {
        if (!reconnect && !this._transitionSuperseded(transition)) {
          this._rejectPromises({ code: errorCodes.clientDisconnected, message: "disconnected" });
        }
        if (previousState === State.Connected) {
          this._clearConnectedState();
        }
      }
      if (transition && !this._transitionSuperseded(transition)) {
        if (reconnect) {
          this.emit("connecting", ctx);
        } else {
          this.emit("disconnected", ctx);
        }
      }
    } finally {
      if (reconnect && !this._transitionSuperseded(transition)) {
        this._scheduleReconnect();
      }
    }
  }
  _failUnauthorized() {
    this._disconnect(disconnectedCodes.unauthorized, "unauthorized", false);
  }
  _getToken() {
    this._debug("get connection token");
    if (!this._config.getToken) {
      try {
        this.emit("error", {
          type: "configuration",
          error: {
            code: errorCodes.badConfiguration,
            message: "token expired but no getToken function set in the configuration"
          }
        });
      } catch (e) {
        this._reportDispatchError(e);
      }
      return Promise.reject(new UnauthorizedError(""));
    }
    try {
      return Promise.resolve(this._config.getToken({}));
    } catch (e) {
      return Promise.reject(e);
    }
  }
  // See _getToken.
  _getData() {
    try {
      return Promise.resolve(this._config.getData());
    } catch (e) {
      return Promise.reject(e);
    }
  }
  _refresh() {
    const clientId = this._client;
    const self = this;
    let tokenResolved = false;
    this._getToken().then(function(token) {
      tokenResolved = true;
      if (clientId !== self._client) {
        return;
      }
      if (!token) {
        self._failUnauthorized();
        return;
      }
      self._token = token;
      self._debug("connection token refreshed");
      if (!self._isConnected()) {
        return;
      }
      const cmd = {
        refresh: { token: self._token }
      };
      self._call(cmd, false).then((resolveCtx) => {
        try {
          self._refreshResponse(resolveCtx.reply.refresh);
        } catch (err) {
          self._dispatchFailed(err);
        } finally {
          if (resolveCtx.next) {
            resolveCtx.next();
          }
        }
      }, (rejectCtx) => {
        try {
          if (clientId === self._client) {
            self._refreshError(rejectCtx.error);
          }
        } catch (err) {
          self._rejectionFailed(err, rejectCtx);
        } finally {
          if (rejectCtx.next) {
            rejectCtx.next();
          }
        }
      });
    }).catch(function(e) {
      if (clientId !== self._client || !self._isConnected()) {
        if (tokenResolved) {
          self._reportDispatchError(e);
        }
        return;
      }
      if (e instanceof UnauthorizedError) {
        self._failUnauthorized();
        return;
      }
      self._emitError({
        type: "refreshToken",
        error: {
          code: errorCodes.clientRefreshToken,
          message: e !== void 0 ? e.toString() : ""
        }
      }, () => {
        self._refreshTimeout = setTimeout(() => self._refresh(), self._getRefreshRetryDelay());
      });
    });
  }
  _refreshError(err) {
    if (err.code < 100 || err.temporary === true) {
      this._emitError({
        type: "refresh",
        error: err
      }, () => {
        this._refreshTimeout = setTimeout(() => this._refresh(), this._getRefreshRetryDelay());
      });
    } else {
      this._disconnect(err.code, err.message, false);
    }
  }
  _getRefreshRetryDelay() {
    return backoff(0, 5e3, 1e4);
  }
  _refreshResponse(result) {
    if (this._refreshTimeout) {
      clearTimeout(this._refreshTimeout);
      this._refreshTimeout = null;
    }
    if (result.expires) {
      if (result.client) {
        this._client = result.client;
      }
      this._refreshTimeout = setTimeout(() => this._refresh(), ttlMilliseconds(result.ttl));
    }
  }
  // A new subscription of the channel waits for the unsubscribe of a removed one, and
  // of those removed before it still unsubscribing (see _setSubscribing of a
  // subscription): a subscription removed without sending an unsubscribe doesn't
  // drop one still pending.
  _recordRemovedUnsubscribe(sub) {
    const channel = sub.channel;
    const previous = this._removedUnsubscribes[channel];
    const own = sub._unsubPromise;
    const unsubscribed = previous ? Promise.all([previous, own]).then(() => void 0) : own;
    this._removedUnsubscribes[channel] = unsubscribed;
    unsubscribed.then(() => {
      if (this._removedUnsubscribes[channel] === unsubscribed) {
        delete this._removedUnsubscribes[channel];
      }
    });
  }
  // Resolves once a subscription of the channel removed from the client has
  // unsubscribed (see BaseSubscription._setSubscribing).
  // @ts-ignore – this is used by a subscription in subscription.ts.
  _removedSubscriptionUnsubscribed(channel) {
    return this._removedUnsubscribes[channel] || Promise.resolve();
  }
  _unsubscribe(sub) {
    if (!this._transportIsOpen) {
      return Promise.resolve();
    }
    const req = {
      channel: sub.channel
    };
    const cmd = { unsubscribe: req };
    const self = this;
    const transportId = this._transportId;
    const unsubscribePromise = new Promise((resolve, _) => {
      this._call(cmd, false).then((resolveCtx) => {
        resolve();
        if (resolveCtx.next) {
          resolveCtx.next();
        }
      }, (rejectCtx) => {
        resolve();
        if (rejectCtx.next) {
          rejectCtx.next();
        }
        if (self._transportId !== transportId) {
          self._debug("unsubscribe command of a closed transport rejected");
          return;
        }
        try {
          self._disconnect(connectingCodes.unsubscribeError, "unsubscribe error", true);
        } catch (err) {
          self._rejectionFailed(err, rejectCtx);
        }
      });
    });
    return unsubscribePromise;
  }
  _getSub(channel, id) {
    if (id && id > 0) {
      for (const ch in this._subs) {
        if (this._subs.hasOwnProperty(ch)) {
          const sub2 = this._subs[ch];
          if (sub2._id === id) {
            return sub2;
          }
        }
      }
      return null;
    }
    const sub = this._subs[channel];
    if (!sub) {
      return null;
    }
    return sub;
  }
  _isServerSub(channel) {
    return this._serverSubs[channel] !== void 0;
  }
  // The client-side subscription a push is for. The server allows one subscription
  // per channel: while a server-side subscription has the channel, its pushes
  // belong to it unless the client-side subscription is subscribed, e.g. when the
  // app kept an unsubscribed subscription object of that channel.
  _getSubForPush(channel, id) {
    const sub = this._getSub(channel, id);
    if (sub && channel && this._isServerSub(channel) && !sub._isSubscribed()) {
      return null;
    }
    return sub;
  }
  _sendSubscribeCommands() {
    const commands = [];
    for (const channel in this._subs) {
      if (!this._subs.hasOwnProperty(channel)) {
        continue;
      }
      const sub = this._subs[channel];
      if (sub._inflight === true) {
        continue;
      }
      if (sub._resubscribeTimeout !== null) {
        continue;
      }
      if (sub.state === SubscriptionState.Subscribing) {
        const cmd = sub._subscribe();
        if (cmd) {
          commands.push(cmd);
        }
      }
    }
    return commands;
  }
  _connectResponse(result) {
    this._transportIsOpen = true;
    this._transportWasOpen = true;
    if (this._transport !== null && this._transport.emulation()) {
      this._reconnectAttemptsResetPending = true;
    } else {
      this._reconnectAttempts = 0;
    }
    this._refreshRequired = false;
    this._deviceWentOffline = false;
    this._pageCached = false;
    if (this._isConnected()) {
      return;
    }
    this._client = result.client;
    const transition = this._setState(State.Connected);
    if (this._transitionSuperseded(transition)) {
      return;
    }
    if (this._refreshTimeout) {
      clearTimeout(this._refreshTimeout);
    }
    if (result.expires) {
      this._refreshTimeout = setTimeout(() => this._refresh(), ttlMilliseconds(result.ttl));
    }
    this._session = result.session;
    this._node = result.node;
    this.startBatching();
    this._sendSubscribeCommands();
    this.stopBatching();
    const ctx = {
      client: result.client,
      transport: this._transport.subName()
    };
    if (result.data) {
      ctx.data = result.data;
    }
    this.emit("connected", ctx);
    if (this._transitionSuperseded(transition)) {
      return;
    }
    this._resolvePromises();
    this._processServerSubs(result.subs || {}, transition);
    if (result.ping && result.ping > 0) {
      this._serverPing = result.ping * 1e3;
      this._sendPong = result.pong === true;
      this._waitServerPing();
    } else {
      this._serverPing = 0;
    }
  }
  _processServerSubs(subs, transition) {
    for (const channel in subs) {
      if (!subs.hasOwnProperty(channel)) {
        continue;
      }
      if (this._transitionSuperseded(transition)) {
        continue;
      }
      const sub = subs[channel];
      this._serverSubs[channel] = {
        "offset": toOffset(sub.offset),
        "epoch": sub.epoch,
        "recoverable": sub.recoverable || false,
        "subscribed": true
      };
      const subCtx = this._getSubscribeContext(channel, sub);
      this.emit("subscribed", subCtx);
    }
    for (const channel in subs) {
      if (!subs.hasOwnProperty(channel)) {
        continue;
      }
      const sub = subs[channel];
      if (sub.recovered) {
        const pubs = sub.publications || [];
        for (let i = 0; i < pubs.length && !this._transitionSuperseded(transition); i++) {
          this._handlePublication(channel, pubs[i]);
        }
      }
    }
    for (const channel in this._serverSubs) {
      if (!this._serverSubs.hasOwnProperty(channel)) {
        continue;
      }
      if (!subs[channel]) {
        this.emit("unsubscribed", { channel });
        delete this._serverSubs[channel];
      }
    }
  }
  _clearRefreshTimeout() {
    if (this._refreshTimeout !== null) {
      clearTimeout(this._refreshTimeout);
      this._refreshTimeout = null;
    }
  }
  _clearReconnectTimeout() {
    if (this._reconnectTimeout !== null) {
      clearTimeout(this._reconnectTimeout);
      this._reconnectTimeout = null;
    }
  }
  _clearConnectTimeout() {
    if (this._connectTimeout !== null) {
      clearTimeout(this._connectTimeout);
      this._connectTimeout = null;
    }
  }
  _clearServerPingTimeout() {
    if (this._serverPingTimeout !== null) {
      clearTimeout(this._serverPingTimeout);
      this._serverPingTimeout = null;
    }
  }
  _waitServerPing() {
    if (this._config.maxServerPingDelay === 0) {
      return;
    }
    if (!this._isConnected()) {
      return;
    }
    this._clearServerPingTimeout();
    const delay = this._serverPing + this._config.maxServerPingDelay;
    const due = Date.now() + delay;
    this._serverPingTimeout = setTimeout(() => {
      if (!this._isConnected()) {
        return;
      }
      const late = Date.now() - due >= lateCallTimer;
      this._serverPingTimeout = setTimeout(() => {
        if (!this._isConnected()) {
          return;
        }
        this._disconnect(connectingCodes.noPing, "no ping", true);
      }, late ? lateCallGrace : 0);
    }, delay);
  }
  _getSubscribeContext(channel, result) {
    const ctx = {
      channel,
      positioned: false,
      recoverable: false,
      wasRecovering: false,
      recovered: false,
      hasRecoveredPublications: false
    };
    if (result.recovered) {
      ctx.recovered = true;
    }
    if (result.positioned) {
      ctx.positioned = true;
    }
    if (result.recoverable) {
      ctx.recoverable = true;
    }
    if (result.was_recovering) {
      ctx.wasRecovering = true;
    }
    let epoch = "";
    if ("epoch" in result) {
      epoch = result.epoch;
    }
    let offset = 0;
    if ("offset" in result) {
      offset = toOffset(result.offset);
    }
    if (ctx.positioned || ctx.recoverable) {
      ctx.streamPosition = {
        "offset": offset,
        "epoch": epoch
      };
    }
    if (Array.isArray(result.publications) && result.publications.length > 0) {
      ctx.hasRecoveredPublications = true;
    }
    if (result.data) {
      ctx.data = result.data;
    }
    return ctx;
  }
  _handleReply(reply, next) {
    this._resetReconnectAttemptsIfPending();
    const id = reply.id;
    if (!(id in this._callbacks)) {
      next();
      return;
    }
    const callbacks = this._callbacks[id];
    clearTimeout(this._callbacks[id].timeout);
    delete this._callbacks[id];
    if (!errorExists(reply)) {
      const callback = callbacks.callback;
      if (!callback) {
        return;
      }
      callback({ reply, next });
    } else {
      const errback = callbacks.errback;
      if (!errback) {
        next();
        return;
      }
      const error = { code: reply.error.code, message: reply.error.message || "", temporary: reply.error.temporary || false };
      errback({ error, next });
    }
  }
  _handleJoin(channel, join, id) {
    const sub = this._getSubForPush(channel, id);
    if (!sub) {
      if (channel && this._isServerSub(channel)) {
        const ctx = { channel, info: this._getJoinLeaveContext(join.info) };
        this.emit("join", ctx);
      }
      return;
    }
    if (!sub._isSubscribed()) {
      this._debug("join for a subscription that is not subscribed", channel);
      return;
    }
    sub._handleJoin(join);
  }
  _handleLeave(channel, leave, id) {
    const sub = this._getSubForPush(channel, id);
    if (!sub) {
      if (channel && this._isServerSub(channel)) {
        const ctx = { channel, info: this._getJoinLeaveContext(leave.info) };
        this.emit("leave", ctx);
      }
      return;
    }
    if (!sub._isSubscribed()) {
      this._debug("leave for a subscription that is not subscribed", channel);
      return;
    }
    sub._handleLeave(leave);
  }
  _handleUnsubscribe(channel, unsubscribe) {
    const sub = this._getSubForPush(channel, 0);
    if (!sub) {
      if (channel && this._isServerSub(channel)) {
        delete this._serverSubs[channel];
        this.emit("unsubscribed", { channel });
      }
      return;
    }
    if (!sub._isSubscribed()) {
      this._debug("unsubscribe push for a previous subscription", channel);
      return;
    }
    if (unsubscribe.code < 2500) {
      sub._setUnsubscribed(unsubscribe.code, unsubscribe.reason, false);
    } else {
      if (unsubscribe.code === unsubscribedCodes.stateInvalidated) {
        sub._invalidateState();
      }
      sub._setSubscribing(unsubscribe.code, unsubscribe.reason);
    }
  }
  _handleSubscribe(channel, sub) {
    this._serverSubs[channel] = {
      "offset": toOffset(sub.offset),
      "epoch": sub.epoch,
      "recoverable": sub.recoverable || false,
      "subscribed": true
    };
    this.emit("subscribed", this._getSubscribeContext(channel, sub));
  }
  _handleDisconnect(disconnect) {
    this._transportWasOpen = true;
    const code = disconnect.code;
    let reconnect = true;
    if (code >= 3500 && code < 4e3 || code >= 4500 && code < 5e3) {
      reconnect = false;
    }
    this._disconnect(code, disconnect.reason, reconnect);
  }
  _getPublicationContext(channel, pub) {
    const ctx = {
      channel,
      data: pub.data
    };
    if (hasOffset(pub.offset)) {
      ctx.offset = toOffset(pub.offset);
    }
    if (pub.info) {
      ctx.info = this._getJoinLeaveContext(pub.info);
    }
    if (pub.tags) {
      ctx.tags = pub.tags;
    }
    return ctx;
  }
  _getJoinLeaveContext(clientInfo) {
    const info = {
      client: clientInfo.client,
      user: clientInfo.user
    };
    const connInfo = clientInfo["conn_info"];
    if (connInfo) {
      info.connInfo = connInfo;
    }
    const chanInfo = clientInfo["chan_info"];
    if (chanInfo) {
      info.chanInfo = chanInfo;
    }
    return info;
  }
  _handlePublication(channel, pub, id) {
    const sub = this._getSubForPush(channel, id);
    if (!sub) {
      if (channel && this._isServerSub(channel)) {
        const ctx = this._getPublicationContext(channel, pub);
        this._pendingServerSubOffsets[channel] = hasOffset(pub.offset) ? toOffset(pub.offset) : null;
        const failures = this._handlerFailures;
        try {
          this.emit("publication", ctx);
        } finally {
          delete this._pendingServerSubOffsets[channel];
        }
        if (this._handlerFailures !== failures) {
          return;
        }
        if (hasOffset(pub.offset)) {
          this._serverSubs[channel].offset = toOffset(pub.offset);
        }
        if (pub.epoch) {
          this._serverSubs[channel].epoch = pub.epoch;
        }
      }
      return;
    }
    if (!sub._isSubscribed()) {
      this._debug("publication for a subscription that is not subscribed", channel);
      return;
    }
    sub._handlePublication(pub);
  }
  _handleMessage(message) {
    this.emit("message", { data: message.data });
  }
  _handleServerPing(next) {
    this._resetReconnectAttemptsIfPending();
    if (this._sendPong) {
      const cmd = {};
      this._transportSendCommands([cmd]);
    }
    next();
  }
  _handlePush(data, next) {
    const channel = data.channel;
    const id = data.id;
    if (data.pub) {
      this._handlePublication(channel, data.pub, id);
    } else if (data.message) {
      this._handleMessage(data.message);
    } else if (data.join) {
      this._handleJoin(channel, data.join, id);
    } else if (data.leave) {
      this._handleLeave(channel, data.leave, id);
    } else if (data.unsubscribe) {
      this._handleUnsubscribe(channel, data.unsubscribe);
    } else if (data.subscribe) {
      this._handleSubscribe(channel, data.subscribe);
    } else if (data.disconnect) {
      this._handleDisconnect(data.disconnect);
    }
    next();
  }
  _flush() {
    const commands = this._commands.slice(0);
    this._commands = [];
    this._transportSendCommands(commands);
  }
  _createErrorObject(code, message, temporary) {
    const errObject = {
      code,
      message
    };
    if (temporary) {
      errObject.temporary = true;
    }
    return errObject;
  }
  _registerCall(id, callback, errback) {
    this._callbacks[id] = {
      callback,
      errback,
      timeout: null
    };
    const due = Date.now() + this._config.timeout;
    this._callbacks[id].timeout = setTimeout(() => {
      const late = Date.now() - due >= lateCallTimer;
      this._callbacks[id].timeout = setTimeout(() => {
        delete this._callbacks[id];
        if (isFunction(errback)) {
          errback({ error: this._createErrorObject(errorCodes.timeout, "timeout") });
        }
      }, late ? lateCallGrace : 0);
    }, this._config.timeout);
  }
  _addCommand(command) {
    if (this._batching) {
      this._commands.push(command);
    } else {
      this._transportSendCommands([command]);
    }
  }
  _nextPromiseId() {
    return ++this._promiseId;
  }
  _nextTransportId() {
    return ++this._transportId;
  }
  _resolvePromises() {
    for (const id in this._promises) {
      if (!this._promises.hasOwnProperty(id)) {
        continue;
      }
      if (this._promises[id].timeout) {
        clearTimeout(this._promises[id].timeout);
      }
      this._promises[id].resolve();
      delete this._promises[id];
    }
  }
  _rejectPromises(err) {
    for (const id in this._promises) {
      if (!this._promises.hasOwnProperty(id)) {
        continue;
      }
      if (this._promises[id].timeout) {
        clearTimeout(this._promises[id].timeout);
      }
      this._promises[id].reject(err);
      delete this._promises[id];
    }
  }
};
Centrifuge.SubscriptionState = SubscriptionState;
Centrifuge.State = State;
Centrifuge.UnauthorizedError = UnauthorizedError;
export {
  Centrifuge,
  State,
  Subscription,
  SubscriptionState,
  UnauthorizedError,
  connectingCodes,
  disconnectedCodes,
  errorCodes,
  subscribingCodes,
  subscriptionFlags,
  unsubscribedCodes
};
