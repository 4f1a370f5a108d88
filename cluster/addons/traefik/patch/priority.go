package http

import (
	"regexp"
	"strings"
)

var (
	ruleTexts = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	rulePath  = regexp.MustCompile("Path(?:Prefix|Regexp)?\\((\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`)")
)

// GetRulePriority orders rules that fit the same request as the Ingress API does: a host of its own before a wildcard, an exact path before any
// prefix, a longer prefix before a shorter one; a rule with one more condition (a canary) before the one without. Traefik itself takes the length of
// the whole rule, by which PathPrefix("/") goes before Path("/login").
func GetRulePriority(rule string) int {
	bare := ruleTexts.ReplaceAllString(rule, "")
	priority := 1 + strings.Count(bare, "&&")
	if found := rulePath.FindStringSubmatch(rule); found != nil {
		priority += len(found[1]) << 4
	}
	if strings.Contains(bare, "Path(") && !strings.Contains(bare, "PathPrefix(") {
		priority += 1 << 24
	}
	switch {
	case strings.Contains(rule, `Host("*`), strings.Contains(rule, "Host(`*"), strings.Contains(bare, "HostRegexp("):
		priority += 1 << 25
	case strings.Contains(bare, "Host("):
		priority += 1 << 26
	}
	return priority
}
