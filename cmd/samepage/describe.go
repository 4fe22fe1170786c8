package main

import (
	"fmt"
	"net/http"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/web/describe"
	"github.com/samepage/samepage/web/docs"
)

// describeHouse tells people and machines what a hub of these models can do.
func describeHouse(models []hub.Model) http.Handler {
	o := describe.Options{Models: models, Version: version()}
	for _, s := range settings(defaultConfig()) {
		text, err := shown(s.value)
		if err != nil {
			text = fmt.Sprint(s.value)
		}
		o.Settings = append(o.Settings, describe.Setting{Key: s.key, Variable: s.env(), Default: text, Help: s.help})
	}
	return docs.New(o)
}
