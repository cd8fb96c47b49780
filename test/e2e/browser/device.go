package browser

import (
	"context"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Device is a virtual authenticator of the browser's tab. It says yes to everything, at once.
type Device struct {
	b  *Browser
	id webauthn.AuthenticatorID
}

// Built is what is built into a telephone or a laptop: it recognises its user, and keeps passkeys that others may copy.
func (b *Browser) Built() Device {
	b.t.Helper()
	return b.device(webauthn.VirtualAuthenticatorOptions{
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
		DefaultBackupEligibility: true, DefaultBackupState: true,
	})
}

// Key is a security key for the port: it takes a touch for its user.
func (b *Browser) Key() Device {
	b.t.Helper()
	return b.device(webauthn.VirtualAuthenticatorOptions{Transport: webauthn.AuthenticatorTransportUsb})
}

func (b *Browser) device(options webauthn.VirtualAuthenticatorOptions) Device {
	b.t.Helper()
	options.Protocol, options.Ctap2version, options.AutomaticPresenceSimulation = webauthn.AuthenticatorProtocolCtap2, webauthn.Ctap2versionCtap21, true
	d := Device{b: b}
	b.do("plugging a device in", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		added, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &options})
		d.id = added.AuthenticatorID
		return err
	}))
	return d
}

// Unplug takes the device out of the browser.
func (d Device) Unplug() {
	d.b.t.Helper()
	d.b.do("unplugging a device", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: d.id})
		return err
	}))
}

// Passkeys is how many passkeys are on the device.
func (d Device) Passkeys() (count int) {
	d.b.t.Helper()
	d.b.do("looking at a device", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		held, err := chromedp.Call(ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: d.id})
		count = len(held.Credentials)
		return err
	}))
	return count
}
