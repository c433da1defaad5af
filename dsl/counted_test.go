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
		"system(26, 0, 0)\npartitions(max = 26)":                     "partitions: of 26 instances, 49631246523618756274 partitions are too many to be listed",
		"system(26, 0, 0)\nrounds()":                                 "rounds: 33554432 partitions are too many to be listed, want at most 1048576; give partitions",
		"system(17, 5, 0)\nrounds(partitions = partitions(max = 2))": "rounds: 1114112 rounds are too many to be listed",
		"system(26, 0, 0)\nsubsets()":                                "subsets: 67108863 reaches are too many to be listed",
		"system(26, 8, 1)\nexchanges()":                              "exchanges: 3124550 quorums are too many to be listed",
		"system(15, 4, 33)\nexchanges(reach = subsets())":            "exchanges: 1081311 exchanges are too many to be listed",
	} {
		if testing.Short() && !strings.Contains(script, "system(26") {
			continue // which lists a hundred thousand to begin with
		}
		if _, err := runScript(t, stage+script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}
