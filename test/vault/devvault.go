package vault

// devvault runs the command of that name.
type devvault struct {
	binary  string
	folder  string
	process *process
}

// start starts it with the options.
func (d *devvault) start(options Options, before ready, log *lockedBuffer) (ready, error) {
	arguments := []string{"-listen", host(before.Address), "-storage"}
	if options.Storage == Memory {
		arguments = append(arguments, Memory)
	} else {
		arguments = append(arguments, options.Storage+":"+d.folder)
	}
	if options.TLS {
		arguments = append(arguments, "-tls")
	}
	if options.Standby {
		arguments = append(arguments, "-standby", "-standby-listen", host(before.StandbyAddress))
	}
	if options.Uninitialised {
		arguments = append(arguments, "-init=false")
	}
	process, line, err := launch(d.binary, arguments, log)
	if err != nil {
		return line, err
	}
	d.process = process
	return line, nil
}

// stop ends it properly.
func (d *devvault) stop() {
	if d.process != nil {
		d.process.stop()
		d.process = nil
	}
}

// kill kills it.
func (d *devvault) kill() {
	if d.process != nil {
		d.process.kill()
		d.process = nil
	}
}
