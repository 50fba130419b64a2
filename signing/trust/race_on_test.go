//go:build race

package trust

// raceEnabled: the race detector takes memory of its own.
const raceEnabled = true
