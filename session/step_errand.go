package session

// LeaveNotice leaves a message for the next page.
func LeaveNotice(notice string) Step {
	return Step{name: "leave a notice", from: inVerified, apply: func(data *Data) error {
		data.Notice = notice
		return nil
	}}
}

// TakeNotice takes the message out; it is in Taken.Before.
func TakeNotice() Step {
	return Step{name: "take the notice", from: anyState, apply: func(data *Data) error {
		if data.Notice == "" {
			return errNothing
		}
		data.Notice = ""
		return nil
	}}
}

// TakeCodes takes new recovery codes out, to be shown once, with the message and the page to go on to; they are in
// Taken.Before.
func TakeCodes() Step {
	return Step{name: "take the recovery codes", from: inVerified, apply: func(data *Data) error {
		if len(data.Codes) == 0 {
			return errNothing
		}
		data.Codes, data.Notice, data.Next = nil, "", ""
		return nil
	}}
}

// TakeDelivery takes the withheld answer out, once; it is in Taken.Before.
func TakeDelivery() Step {
	return Step{name: "take the withheld answer", from: inVerified, apply: func(data *Data) error {
		if data.Delivery == nil {
			return errNothing
		}
		data.Delivery = nil
		return nil
	}}
}

// Offer keeps where the app's answer would have led, while its user is offered a factor.
func Offer(delivery *Delivery) Step {
	return Step{name: "offer", from: inVerified, apply: func(data *Data) error {
		data.Next = Destination(delivery, data.Next)
		return nil
	}}
}

// Propose keeps a factor that waits for its confirmation. Nothing changes for the user before that.
func Propose(user string, proposal []byte) Step {
	return Step{name: "propose", from: inEnrolment, user: user, of: true, apply: func(data *Data) error {
		data.Proposal = proposal
		return nil
	}}
}

// Freshen notes that the user has just proved a factor once more.
func Freshen(user string, with Proof) Step {
	return Step{name: "freshen", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		data.Proofs = proved(data.Proofs, with)
		return nil
	}}
}

// DropDevice ends a trusted browser's one go at proving itself.
func DropDevice(user string) Step {
	return Step{name: "drop the device", from: inPending, user: user, of: true, apply: func(data *Data) error {
		data.Device = ""
		return nil
	}}
}
