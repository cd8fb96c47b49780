package session

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

// MaxEncoded is the size of the largest session that is stored, in bytes. Two full jars and a Delivery fit well.
const MaxEncoded = 128 << 10

// The stored form: version, state, app, identity, deadline, the rest of Data in the order of encode, CRC-32C of all
// that stands before. The first four stand first because listing and evicting need only them. Numbers are varints,
// strings and lists follow their length, times are seconds and nanoseconds.
//
// The sum protects against damage, which could turn one state into another. It does not protect against forgery: an
// attacker who could write to the store must be kept out by other means.
const (
	codecVersion = 0xb5 // no gob and no JSON starts like this
	// codecBefore is the version before, without a host. Its sessions are nobody's here; the first four stand where
	// they do now.
	codecBefore  = 0xb4
	checksumSize = 4
	dataKey      = "data"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codec is the scs.Codec: the one value of a session is its *Data.
type codec struct{}

// Encode implements scs.Codec.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	data, ok := values[dataKey].(*Data)
	if !ok || data == nil {
		return nil, ErrInvalid
	}
	return encode(data, deadline)
}

// Decode implements scs.Codec.
func (codec) Decode(stored []byte) (time.Time, map[string]any, error) {
	data, deadline, err := decode(stored)
	if err != nil {
		return time.Time{}, nil, err
	}
	return deadline, map[string]any{dataKey: data}, nil
}

// encode returns ErrInvalid for an unknown state and ErrTooLarge.
func encode(data *Data, deadline time.Time) ([]byte, error) {
	if !data.State.Known() {
		return nil, ErrInvalid
	}
	to := make([]byte, 0, 512)
	to = append(to, codecVersion, byte(data.State))
	to = appendString(to, data.App)
	to = appendString(to, data.Identity)
	to = appendTime(to, deadline)
	to = appendString(to, data.Host)
	origin := data.from()
	method, factored, more := proofsBefore(data)
	for _, text := range [...]string{method, data.Form, data.Next, data.Notice, origin.Address, origin.Browser, deviceOrTrusts(data)} {
		to = appendString(to, text)
	}
	for _, moment := range [...]time.Time{data.Created, data.Seen, data.Checked, factored, data.Since} {
		to = appendTime(to, moment)
	}
	to = data.Guest.Encode(to)
	to = data.Held.Encode(to)
	retry := data.Retry
	if retry == nil {
		retry = new(Retry)
	}
	to = retry.Jar.Encode(to)
	to = appendString(to, retry.For)
	if to = append(to, flags(data.Doubt, data.InPlace, data.Raising != nil, len(more) > 0, data.Mail != "", len(data.Asked) > 0, data.Phone != "", len(data.Sent) > 0)); data.Raising != nil {
		to = appendTime(to, *data.Raising)
	}
	if len(more) > 0 {
		to = appendProofs(to, more)
	}
	for _, text := range []string{data.Mail, string(data.Asked), data.Phone, string(data.Sent)} {
		if text != "" { // without one it is as it was before there were any
			to = appendString(to, text)
		}
	}
	to = data.Bonds.Encode(to)
	to = appendString(to, data.Token)
	to = appendStrings(to, data.Granted)
	to = appendString(to, data.Proposal)
	to = appendStrings(to, data.Codes)
	if delivery := data.Delivery; delivery == nil {
		to = append(to, 0)
	} else {
		if len(delivery.Body) > MaxDelivery {
			return nil, ErrTooLarge
		}
		// Without headers it is as it was before there were any.
		to = append(to, 1+flags(len(delivery.Headers) > 0))
		to = appendString(to, delivery.Location)
		to = appendStrings(to, delivery.Cookies)
		to = appendString(to, delivery.TokenHeader)
		to = appendString(to, delivery.Token)
		to = binary.AppendVarint(to, int64(delivery.Status))
		to = appendString(to, delivery.ContentType)
		to = appendString(to, delivery.ContentEncoding)
		to = appendString(to, delivery.Body)
		if len(delivery.Headers) > 0 {
			to = appendStrings(to, delivery.Headers)
		}
	}
	if len(to)+checksumSize > MaxEncoded {
		return nil, ErrTooLarge
	}
	return binary.LittleEndian.AppendUint32(to, crc32.Checksum(to, castagnoli)), nil
}

// decode returns errUndecodable for anything that encode did not write. All strings of the Data share one copy of the
// stored bytes, so the store may change its own afterwards.
func decode(stored []byte) (*Data, time.Time, error) {
	sum := len(stored) - checksumSize
	if sum < 0 || len(stored) > MaxEncoded ||
		crc32.Checksum(stored[:sum], castagnoli) != binary.LittleEndian.Uint32(stored[sum:]) {
		return nil, time.Time{}, errUndecodable
	}
	return decodeSummed(string(stored[:sum]))
}

// decodeSummed is decode for what stands before the sum.
func decodeSummed(text string) (*Data, time.Time, error) {
	from := reader{rest: text}
	data := new(Data)
	if from.byte() != codecVersion {
		return nil, time.Time{}, errUndecodable
	}
	data.State = gate.State(from.byte())
	data.App = from.string()
	data.Identity = from.string()
	deadline := from.time()
	data.Host = from.string()
	method := from.string()
	data.Form = from.string()
	data.Next = from.string()
	data.Notice = from.string()
	if origin := (Origin{Address: from.string(), Browser: from.string()}); origin != (Origin{}) {
		data.Origin = &origin
	}
	data.Device = from.string()
	if mark, asked := strings.CutPrefix(data.Device, trustsSign); asked {
		data.Device, data.Trusts = "", mark
	}
	data.Created = from.time()
	data.Seen = from.time()
	data.Checked = from.time()
	factored := from.time()
	data.Since = from.time()
	data.Guest = from.jar()
	data.Held = from.jar()
	if retry := (Retry{Jar: from.jar(), For: from.string()}); retry.Jar.Len() > 0 || retry.For != "" {
		data.Retry = &retry
	}
	bits := from.byte()
	data.Doubt, data.InPlace = bits&1 != 0, bits&2 != 0
	if bits&4 != 0 {
		raising := from.time()
		data.Raising = &raising
	}
	data.Proofs = proofsOf(method, factored, data.Since)
	if bits&8 != 0 {
		data.Proofs = from.proofs()
		from.broken = from.broken || len(data.Proofs) == 0
	}
	if bits&16 != 0 {
		data.Mail = string(from.needed())
	}
	if bits&32 != 0 {
		data.Asked = from.needed()
	}
	if bits&64 != 0 {
		data.Phone = string(from.needed())
	}
	if bits&128 != 0 {
		data.Sent = from.needed()
	}
	data.Bonds = from.bonds()
	data.Token = from.string()
	data.Granted = from.strings()
	data.Proposal = from.bytes()
	data.Codes = from.strings()
	switch has := from.byte(); has {
	case 0:
	case 1, 2:
		data.Delivery = &Delivery{Location: from.string(), Cookies: from.strings()}
		data.Delivery.TokenHeader = from.string()
		data.Delivery.Token = from.string()
		data.Delivery.Status = from.int()
		data.Delivery.ContentType = from.string()
		data.Delivery.ContentEncoding = from.string()
		data.Delivery.Body = from.bytes()
		if has == 2 {
			data.Delivery.Headers = from.strings()
			from.broken = from.broken || len(data.Delivery.Headers) == 0
		}
	default:
		from.broken = true
	}
	if from.broken || from.rest != "" || !data.State.Known() {
		return nil, time.Time{}, errUndecodable
	}
	return data, deadline, nil
}

// peek reads the state, app and identity of a stored session without decoding the rest or checking the sum. It also
// reads the version before: an older node may still accept such a session, so it must be possible to end it.
func peek(stored []byte) (state gate.State, app, identity []byte, ok bool) {
	if len(stored) < 2 || stored[0] != codecVersion && stored[0] != codecBefore {
		return 0, nil, nil, false
	}
	state, rest := gate.State(stored[1]), stored[2:]
	for _, field := range [...]*[]byte{&app, &identity} {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return 0, nil, nil, false
		}
		*field, rest = rest[n:n+int(length)], rest[n+int(length):]
	}
	return state, app, identity, state.Known()
}

// flags are the bits of a byte, the first one the lowest.
func flags(set ...bool) (bits byte) {
	for i, is := range set {
		if is {
			bits |= 1 << i
		}
	}
	return bits
}

func appendString[T string | []byte](to []byte, text T) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

func appendStrings(to []byte, texts []string) []byte {
	to = binary.AppendUvarint(to, uint64(len(texts)))
	for _, text := range texts {
		to = appendString(to, text)
	}
	return to
}

// appendTime also stores the zero time, which is a number of seconds like any other and is read back as it was.
func appendTime(to []byte, moment time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(to, moment.Unix()), uint64(moment.Nanosecond()))
}

// reader parses the stored form. After the first error it is broken and returns zero values only, so that callers check
// once, at the end.
type reader struct {
	rest   string
	broken bool
}

func (r *reader) fail() { r.rest, r.broken = "", true }

func (r *reader) byte() byte {
	if r.rest == "" {
		r.fail()
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	if r.rest != "" && r.rest[0] < 0x80 { // most are lengths, and short
		value := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(value)
	}
	return r.longUvarint()
}

func (r *reader) longUvarint() uint64 {
	var value uint64
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		c := r.rest[i]
		if c < 0x80 {
			if i == binary.MaxVarintLen64-1 && c > 1 {
				break
			}
			r.rest = r.rest[i+1:]
			return value | uint64(c)<<(7*i)
		}
		value |= uint64(c&0x7f) << (7 * i)
	}
	r.fail()
	return 0
}

func (r *reader) varint() int64 {
	zigzag := r.uvarint()
	value := int64(zigzag >> 1)
	if zigzag&1 != 0 {
		value = ^value
	}
	return value
}

func (r *reader) int() int {
	value := r.varint()
	if value < math.MinInt32 || value > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(value)
}

func (r *reader) string() string {
	length := r.uvarint()
	if length > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	text := r.rest[:length]
	r.rest = r.rest[length:]
	return text
}

func (r *reader) bytes() []byte {
	if text := r.string(); text != "" {
		return []byte(text)
	}
	return nil
}

// needed are bytes that a flag says are there.
func (r *reader) needed() []byte {
	found := r.bytes()
	r.broken = r.broken || len(found) == 0
	return found
}

func (r *reader) strings() []string {
	count := r.uvarint()
	if count == 0 {
		return nil
	}
	if count > uint64(len(r.rest)) { // each takes a byte at least; a forged count must not allocate memory
		r.fail()
		return nil
	}
	texts := make([]string, count)
	for i := range texts {
		texts[i] = r.string()
	}
	return texts
}

func (r *reader) time() time.Time {
	seconds, nanoseconds := r.varint(), r.uvarint()
	if nanoseconds >= uint64(time.Second) {
		r.fail()
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC()
}

func (r *reader) jar() custody.Jar {
	if r.broken {
		return custody.Jar{}
	}
	jar, rest, err := custody.DecodeJar(r.rest)
	if err != nil {
		r.fail()
		return custody.Jar{}
	}
	r.rest = rest
	return jar
}

func (r *reader) bonds() custody.Bonds {
	if r.broken {
		return custody.Bonds{}
	}
	bonds, rest, err := custody.DecodeBonds(r.rest)
	if err != nil {
		r.fail()
		return custody.Bonds{}
	}
	r.rest = rest
	return bonds
}
