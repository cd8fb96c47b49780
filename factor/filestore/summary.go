package filestore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
)

// Buckets and keys of the database.
var (
	bucketAbout   = []byte("about")
	bucketRecords = []byte("records")
	keyCheck      = []byte("check")
	keySummary    = []byte("summary")
)

const checkText = "sallyport filestore"

// summary says what the database must hold. It is written with every change, in the same transaction.
type summary struct {
	// last is the highest version ever given; none comes twice.
	last factor.Version
	// count is the number of records.
	count uint64
	// sum is the exclusive or of sealer.sum over all records.
	sum [sha256.Size]byte
}

// index holds the version of every record; while the store is open nobody else can write.
type index map[name]factor.Version

func (s summary) with(addend [sha256.Size]byte) summary {
	for i, b := range addend {
		s.sum[i] ^= b
	}
	return s
}

func (s summary) encode() []byte {
	out := binary.BigEndian.AppendUint64(nil, uint64(s.last))
	out = binary.BigEndian.AppendUint64(out, s.count)
	return append(out, s.sum[:]...)
}

func decodeSummary(plain []byte) (s summary, ok bool) {
	if len(plain) != 16+sha256.Size {
		return summary{}, false
	}
	s.last = factor.Version(binary.BigEndian.Uint64(plain))
	s.count = binary.BigEndian.Uint64(plain[8:])
	copy(s.sum[:], plain[16:])
	return s, true
}

func aboutAssociation(what []byte) []byte { return fields(string(what), format) }

// initialise makes the buckets, the check value and the summary of an empty database.
func (s *sealer) initialise(tx *bolt.Tx) error {
	about, err := tx.CreateBucket(bucketAbout)
	if err != nil {
		return fmt.Errorf("filestore: preparing the database: %w", err)
	}
	if _, err := tx.CreateBucket(bucketRecords); err != nil {
		return fmt.Errorf("filestore: preparing the database: %w", err)
	}
	sealed, err := s.seal([]byte(checkText), aboutAssociation(keyCheck))
	if err != nil {
		return err
	}
	// The checksum needs no key: it tells a damaged check value from a wrong key.
	checksum := sha256.Sum256(sealed)
	if err := about.Put(keyCheck, append(checksum[:], sealed...)); err != nil {
		return fmt.Errorf("filestore: preparing the database: %w", err)
	}
	return s.putSummary(tx, summary{})
}

func (s *sealer) putSummary(tx *bolt.Tx, next summary) error {
	sealed, err := s.seal(next.encode(), aboutAssociation(keySummary))
	if err != nil {
		return err
	}
	about := tx.Bucket(bucketAbout)
	if about == nil {
		return ErrDamaged
	}
	if err := about.Put(keySummary, sealed); err != nil {
		return fmt.Errorf("filestore: writing the summary: %w", err)
	}
	return nil
}

func (s *sealer) getSummary(tx *bolt.Tx) (summary, error) {
	about := tx.Bucket(bucketAbout)
	if about == nil {
		return summary{}, fmt.Errorf("%w: a part is missing", ErrDamaged)
	}
	plain, ok := s.open(about.Get(keySummary), aboutAssociation(keySummary))
	if !ok {
		return summary{}, fmt.Errorf("%w: the summary cannot be opened", ErrDamaged)
	}
	decoded, ok := decodeSummary(plain)
	if !ok {
		return summary{}, fmt.Errorf("%w: the summary cannot be read", ErrDamaged)
	}
	return decoded, nil
}

// checkKey proves that the key is the one that the database was made with.
func (s *sealer) checkKey(tx *bolt.Tx) error {
	about := tx.Bucket(bucketAbout)
	if about == nil {
		return fmt.Errorf("%w: a part is missing", ErrDamaged)
	}
	value := about.Get(keyCheck)
	if len(value) < sha256.Size {
		return fmt.Errorf("%w: the check value is missing", ErrDamaged)
	}
	if sha256.Sum256(value[sha256.Size:]) != [sha256.Size]byte(value[:sha256.Size]) {
		return fmt.Errorf("%w: the check value is not what was written", ErrDamaged)
	}
	plain, ok := s.open(value[sha256.Size:], aboutAssociation(keyCheck))
	if !ok {
		return ErrWrongKey
	}
	if string(plain) != checkText {
		return fmt.Errorf("%w: it is not a filestore", ErrDamaged)
	}
	return nil
}

// load reads all records and compares them with the summary. It detects a record that is missing, misplaced, or
// replaced by an older state. The records stay sealed.
func (s *sealer) load(tx *bolt.Tx) (summary, index, error) {
	stated, err := s.getSummary(tx)
	if err != nil {
		return summary{}, nil, err
	}
	records := tx.Bucket(bucketRecords)
	if records == nil {
		return summary{}, nil, fmt.Errorf("%w: a part is missing", ErrDamaged)
	}
	found := summary{last: stated.last}
	versions := make(index)
	err = records.ForEach(func(key, value []byte) error {
		version := versionOf(value)
		if len(key) != len(name{}) || version == 0 || version > stated.last {
			return fmt.Errorf("%w: a record is not in order", ErrDamaged)
		}
		n := name(key)
		versions[n] = version
		found = found.with(s.sum(n, version))
		found.count++
		return nil
	})
	if err != nil {
		return summary{}, nil, err
	}
	if found != stated {
		return summary{}, nil, fmt.Errorf("%w: the records are not those of the summary", ErrDamaged)
	}
	return stated, versions, nil
}
