package presets

// all are the apps that the suite runs on. Here are the light ones; allapps_test.go adds the rest if it is built in.
var all = []app{djangoAdmin, dokuWiki, qBittorrent, transmission, znc}
