package servers

import (
	"time"

	"sallyport.example/sallyport/session/storetest"
)

// Troubles returns what can happen to a server and to the network to it. kill and run are the server's.
func Troubles(network *Proxy, kill, run func()) []storetest.Trouble {
	reconnect := func() { network.Down(); network.Up() }
	return []storetest.Trouble{
		{Name: "away", Begin: network.Down, End: network.Up},
		{Name: "hung", Begin: network.Hang, End: reconnect, Silent: true},
		{Name: "deaf", Begin: network.Deafen, End: reconnect, Silent: true},
		{Name: "slow", Begin: func() { network.Slow(time.Minute) }, End: reconnect, Silent: true},
		{Name: "killed", Begin: kill, End: run},
	}
}
