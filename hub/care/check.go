package care

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/samepage/samepage/hub"
)

// checkID takes what can be part of an entry's key and of a channel's name.
func checkID(f hub.Faults, at, id string, required bool) {
	switch {
	case id == "" && required:
		f.Add(at, "required")
	case len(id) > maxID:
		f.Add(at, "must have at most %d bytes", maxID)
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f || r == utf8.RuneError }):
		f.Add(at, "must hold no slash, space or control character")
	}
}

func checkWord(f hub.Faults, at, word string, required bool) {
	if required && strings.TrimSpace(word) == "" {
		f.Add(at, "required")
	}
	checkLength(f, at, word, maxWord)
}

func checkLength(f hub.Faults, at, text string, limit int) {
	if len(text) > limit {
		f.Add(at, "must have at most %d bytes", limit)
	}
}

func checkList(f hub.Faults, at string, list []string) {
	if len(list) > maxList {
		f.Add(at, "must have at most %d items", maxList)
	}
	for _, item := range list {
		checkWord(f, at, item, true)
	}
}

func checkWords(f hub.Faults, text string, attachments map[string]Attachment) {
	if strings.TrimSpace(text) == "" && len(attachments) == 0 {
		f.Add("/text", "required where nothing is attached")
	}
	if len(attachments) > MaxAttachments {
		f.Add("/attachments", "must be at most %d", MaxAttachments)
		return
	}
	for id, a := range attachments {
		at := "/attachments/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(id)
		checkID(f, at, id, true)
		switch a.Type {
		case "image", "video", "audio", "file", "location":
		default:
			f.Add(at+"/type", "must be image, video, audio, file or location")
		}
		if u, err := url.Parse(a.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(a.URL) > maxURL {
			f.Add(at+"/url", "must be an http or https address of at most %d bytes", maxURL)
		}
		checkWord(f, at+"/name", a.Name, false)
		if a.Size < 0 {
			f.Add(at+"/size", "must be at least 0")
		}
	}
}

// tooLong is nil unless a text is longer than a message may be.
func tooLong(text string) *hub.Problem {
	if len(text) <= MaxText {
		return nil
	}
	return hub.Problemf(hub.CodeTooLarge, "a message has at most %d bytes", MaxText).
		With(map[string]any{"pointer": "/text", "limit": MaxText, "size": len(text)})
}

// mayEnd reports whether a time is one that something can wait for.
func mayEnd(at hub.Time, now time.Time) bool {
	return at.After(now) && at.Before(now.Add(366*24*time.Hour))
}
