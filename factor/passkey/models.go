package passkey

import "encoding/hex"

// models are names of devices, and of those who keep passkeys, by AAGUID. They are a help for people who look at a list
// and decide nothing: whoever makes a passkey can say any AAGUID.
var models = map[string]string{
	"fbfc3007154e4ecc8c0b6e020557d7bd": "iCloud Keychain",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "iCloud Keychain",
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"53414d53554e47000000000000000000": "Samsung Pass",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"0ea242b443c44a1b8b17dd6d0b6baec6": "Keeper",
	"b84e404815dc4dd08640f4f60813c8af": "NordPass",
	"f38095407f1449c1a8b38f813b225541": "Enpass",
	"50726f746f6e5061737350726f746f6e": "Proton Pass",
	"fdb141b25d84443e8a354698c205a502": "KeePassXC",
	"cb69481e8ff7403993ec0a2729a154a8": "YubiKey 5",
	"ee882879721c491397753dfcce97072a": "YubiKey 5",
	"fa2b99dc9e3942578f924a30d23c4118": "YubiKey 5",
	"2fc0579f811347eab116bb5a8db9202a": "YubiKey 5",
	"c5ef55ffad9a4b9fb580adebafe026d0": "YubiKey 5Ci",
	"73bb0cd4e50249b89c6fb59445bf720b": "YubiKey 5 FIPS",
	"d8522d9f575b486688a9ba99fa02f35b": "YubiKey Bio",
	"f8a011f38c0a4d15800617111f9edc7d": "Security Key by Yubico",
	"b92c3f9ac0144056887f140a2501163b": "Security Key by Yubico",
	"6d44ba9bf6ec2e49b9300c8fe920cb73": "Security Key by Yubico",
	"149a20218ef6413396b881f8d5b7f1f5": "Security Key by Yubico",
	"a4e9fc6d4cbe4758b8ba37598bb5bbaa": "Security Key by Yubico",
	"42b4fb4a286643b29bf76c6669c2e5d3": "Titan Security Key",
}

// modelName is the name of a model, or else the browser's: with attestation none most browsers do not tell the model.
func modelName(aaguid []byte, browser string) string {
	if name, known := models[hex.EncodeToString(aaguid)]; known {
		return name
	}
	return browser
}
