package custody

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestP3_BondsRecogniseTheVeryOne: a credential is recognised only as a whole, for the purpose that it was bound for,
// and in its own session.
func TestP3_BondsRecogniseTheVeryOne(t *testing.T) {
	const line = "Basic YWxpY2U6c2VjcmV0"
	bonds := Bonds{}.BindBasic(line).BindToken("t0ken")
	other := Bonds{}.BindBasic("Basic YTpi").BindToken("another")
	if !bonds.Basic(line) || !bonds.Token("t0ken") || !bonds.HasBasic() || len(bonds.tokens) == 0 {
		t.Error("what was bound is not recognised")
	}
	for _, wrong := range []string{"", line + " ", strings.ToLower(line), line[:len(line)-1], "t0ken", "Basic YTpi"} {
		if bonds.Basic(wrong) || (Bonds{}).Basic(wrong) {
			t.Errorf("%q is recognised as a password", wrong)
		}
	}
	for _, wrong := range []string{"", "t0ken ", "T0ken", line, "another", strings.Repeat("x", MaxToken+1)} {
		if bonds.Token(wrong) || (Bonds{}).Token(wrong) {
			t.Errorf("%q is recognised as a token", wrong)
		}
	}
	if other.Basic(line) || other.Token("t0ken") {
		t.Error("bound in another session")
	}
	if again := bonds.BindBasic("Basic YTpi"); again.Basic(line) || !again.Basic("Basic YTpi") || !bonds.Basic(line) {
		t.Error("a password does not take the place of the other, or the bonds changed")
	}
	if one, two := (Bonds{}).BindBasic(line), (Bonds{}).BindBasic(line); one.basic == two.basic {
		t.Error("two sessions have one hash for the same password")
	}
}

// TestBondsAreBounded: the oldest token is dropped, and a token that is bound again is the newest.
func TestBondsAreBounded(t *testing.T) {
	var bonds Bonds
	for i := range MaxTokens {
		bonds = bonds.BindToken(fmt.Sprint("token ", i))
	}
	bonds = bonds.BindToken("token 0").BindToken("one more")
	if bonds.Token("token 1") || !bonds.Token("token 0") || !bonds.Token("token 2") || !bonds.Token("one more") || len(bonds.tokens) != MaxTokens {
		t.Errorf("%d tokens, and not the right ones", len(bonds.tokens))
	}
}

func TestBondsEncode(t *testing.T) {
	for _, bonds := range []Bonds{
		{}, Bonds{}.BindBasic("Basic YTpi"), Bonds{}.BindToken("a"), Bonds{}.BindBasic("Basic YTpi").BindToken("a").BindToken("b"),
	} {
		stored := string(bonds.Encode([]byte("x")))
		got, rest, err := DecodeBonds(stored[1:] + "rest")
		if err != nil || rest != "rest" || got.key != bonds.key || got.basic != bonds.basic || fmt.Sprint(got.tokens) != fmt.Sprint(bonds.tokens) {
			t.Errorf("%v: %v, %q", bonds, err, rest)
		}
		for at := 1; at < len(stored)-1; at++ {
			if got, _, err := DecodeBonds(stored[1:at]); !errors.Is(err, ErrCorrupt) || got.HasBasic() || len(got.tokens) > 0 {
				t.Errorf("cut at %d: %v", at, err)
			}
		}
	}
	key := strings.Repeat("k", bondSize)
	for _, damaged := range []string{"", "\x04" + key, "\x02" + key + "\x00", "\x02" + key + "\x11" + strings.Repeat(key, 17), "\xff"} {
		if got, _, err := DecodeBonds(damaged); !errors.Is(err, ErrCorrupt) || len(got.tokens) > 0 {
			t.Errorf("%.3q: %v", damaged, err)
		}
	}
}

// TestP9_BondsTellNothing: no form of printing shows the bonds' contents.
func TestP9_BondsTellNothing(t *testing.T) {
	bonds := Bonds{}.BindBasic("Basic YTpi").BindToken("a")
	encoded, err := json.Marshal(bonds)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(bonds), fmt.Sprintf("%#v", bonds), fmt.Sprintf("%+v", bonds), bonds.LogValue().String(), string(encoded)} {
		if strings.Contains(text, bonds.key) || strings.Contains(text, bonds.basic) || len(text) > 60 {
			t.Errorf("%q", text)
		}
	}
}
