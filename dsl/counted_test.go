package dsl

import (
	"strings"
	"testing"
)

// Choices are counted before they are listed, and too many are refused.
func TestChoicesAreCountedFirst(t *testing.T) {
	const stage = `
def on_round(self, round):
    pass
p = protocol("p", replica = role(on_round = on_round), client = role(on_exchange = lambda self: None))
def system(n, f, clients):
    cluster(p, n = n, f = f, clients = {"c%d" % i: [] for i in range(clients)})
`
	for script, want := range map[string]string{
		"system(26, 0, 0)\npartitions(max = 26)":                     "partitions: of 26 instances, 49,631,246,523,618,756,274 partitions are too many to be listed",
		"system(26, 0, 0)\nrounds()":                                 "rounds: 33,554,432 partitions are too many to be listed, want at most 1,048,576; give partitions",
		"system(17, 5, 0)\nrounds(partitions = partitions(max = 2))": "rounds: 1,114,112 rounds are too many to be listed",
		"system(26, 0, 0)\nsubsets()":                                "subsets: 67,108,863 reaches are too many to be listed",
		"system(26, 8, 1)\nexchanges()":                              "exchanges: 3,124,550 quorums are too many to be listed",
		"system(15, 4, 33)\nexchanges(reach = subsets())":            "exchanges: 1,081,311 exchanges are too many to be listed",
	} {
		if testing.Short() && !strings.Contains(script, "system(26") {
			continue // which lists a hundred thousand to begin with
		}
		if _, err := runScript(t, stage+script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}
