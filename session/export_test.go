package session

// SweepAndCount sweeps and counts sessions and tombstones.
func SweepAndCount(m *Memory) int {
	m.sweep()
	total := 0
	for i := range m.shards {
		total += len(m.shards[i].live) + len(m.shards[i].dead)
	}
	return total
}
