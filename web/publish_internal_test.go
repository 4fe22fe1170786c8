package web

import (
	"encoding/json"
	"testing"
)

func TestAPublicationReadInPlaceIsTheOneThatADecoderReads(t *testing.T) {
	for _, params := range []string{
		`{"channel":"news","data":{"a":[1,"}"]}}`, `{ "data" : "x" , "channel" : "a:b" }`, `{"channel":"a","channel":"b","data":1}`,
		`{"channel":"n\u0065ws","data":1}`, `{"channel":"kä","data":1}`, `{"channel":5,"data":1}`, `{"channel":"a","tags":{"x":"y"},"data":1}`,
		`{}`, `[]`, ``, `{"channel":"a"`, `{"channel":"a","data":null}`, `{"Channel":"a","data":1}`,
	} {
		q, ok := readPublish([]byte(params))
		if !ok {
			continue
		}
		var want apiPublishRequest
		if err := json.Unmarshal([]byte(params), &want); err != nil || q.Channel != want.Channel || string(q.Data) != string(want.Data) {
			t.Errorf("%s: read as %+v, decoded as %+v (%v)", params, q, want, err)
		}
	}
	if _, ok := readPublish([]byte(`{"channel":"news","data":1}`)); !ok {
		t.Error("a plain publication was not read in place")
	}
}
