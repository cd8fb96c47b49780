package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/bits"
)

// What follows reads bbolt's pages (its data file format, version 2) without bbolt, which trusts every page but the
// first two: a damaged one can send it astray, into an endless recursion or out of its memory. Numbers are in the
// machine's own byte order, as bbolt writes them.

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader = 16
	metaSize   = 64
	element    = 16 // of a branch or a leaf page
	bucketHead = 16

	flagBranch = 0x01
	flagLeaf   = 0x02
	flagMeta   = 0x04
	flagBucket = 0x01 // of a leaf element

	// maxDepth bounds the recursion; a tree of this depth would not fit on any disk.
	maxDepth = 32
)

var native = binary.NativeEndian

// meta is one of the two pages that say where the rest is.
type meta struct {
	pageSize, root, high, transaction uint64
}

// structure walks through the pages of a file.
type structure struct {
	file     io.ReaderAt
	pageSize uint64
	high     uint64 // the first page number that was never used
	seen     map[uint64]bool
}

// Inspect looks the whole file over, whose size in bytes is given and which nobody may write to meanwhile: Open it
// read-only for as long as it takes. untouched tells that bbolt made the file and nothing was ever written to it; only
// then may it be empty. Every error is ErrDamaged.
func Inspect(file io.ReaderAt, size int64) (untouched bool, err error) {
	first, err := readMeta(file, 0, 0)
	if err != nil {
		return false, err
	}
	second, err := readMeta(file, int64(first.pageSize), 1)
	if err != nil {
		return false, err
	}
	// Both must be good, although bbolt is content with one: it would go on with the transaction before the last, in
	// which a user is perhaps not yet enrolled, or a code not yet used.
	newest, older := first, second
	if second.transaction > first.transaction {
		newest, older = second, first
	}
	if first.pageSize != second.pageSize || newest.transaction != older.transaction+1 ||
		first.transaction%2 != 0 || second.transaction%2 != 1 {
		return false, fmt.Errorf("%w: the two head pages do not belong together", ErrDamaged)
	}
	if newest.high < 2 || newest.high > uint64(size)/newest.pageSize {
		return false, fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	s := &structure{file: file, pageSize: newest.pageSize, high: newest.high, seen: make(map[uint64]bool)}
	if err := s.walk(newest.root, nil, nil, 0, true); err != nil {
		return false, err
	}
	return newest.transaction == 1, nil
}

func readMeta(file io.ReaderAt, offset int64, number uint64) (meta, error) {
	var page [pageHeader + metaSize]byte
	if _, err := file.ReadAt(page[:], offset); err != nil {
		return meta{}, fmt.Errorf("%w: head page %d cannot be read", ErrDamaged, number)
	}
	content := page[pageHeader:]
	checksum := fnv.New64a()
	_, _ = checksum.Write(content[:metaSize-8])
	m := meta{
		pageSize: uint64(native.Uint32(content[8:])), root: native.Uint64(content[16:]),
		high: native.Uint64(content[40:]), transaction: native.Uint64(content[48:]),
	}
	if native.Uint64(page[:]) != number || native.Uint16(page[8:]) != flagMeta ||
		native.Uint32(content) != boltMagic || native.Uint32(content[4:]) != boltVersion ||
		native.Uint64(content[56:]) != checksum.Sum64() ||
		m.pageSize < 1024 || m.pageSize > 1<<24 || bits.OnesCount64(m.pageSize) != 1 {
		return meta{}, fmt.Errorf("%w: head page %d is not what was written", ErrDamaged, number)
	}
	return m, nil
}

// page reads a page with its overflow pages.
func (s *structure) page(number uint64) ([]byte, error) {
	var head [pageHeader]byte
	if number < 2 || number >= s.high {
		return nil, fmt.Errorf("%w: page %d does not exist", ErrDamaged, number)
	}
	if _, err := s.file.ReadAt(head[:], int64(number*s.pageSize)); err != nil {
		return nil, fmt.Errorf("%w: page %d cannot be read", ErrDamaged, number)
	}
	overflow := uint64(native.Uint32(head[12:]))
	if native.Uint64(head[:]) != number || overflow >= s.high-number {
		return nil, fmt.Errorf("%w: page %d is not what was written", ErrDamaged, number)
	}
	for used := number; used <= number+overflow; used++ {
		if s.seen[used] {
			return nil, fmt.Errorf("%w: page %d is used twice", ErrDamaged, used)
		}
		s.seen[used] = true
	}
	page := make([]byte, (overflow+1)*s.pageSize)
	if _, err := s.file.ReadAt(page, int64(number*s.pageSize)); err != nil {
		return nil, fmt.Errorf("%w: page %d cannot be read", ErrDamaged, number)
	}
	return page, nil
}

// walk looks over the tree below a page, whose keys must lie from low up to, but not including, high (nil: no bound).
func (s *structure) walk(number uint64, low, high []byte, depth int, root bool) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: it is too deep", ErrDamaged)
	}
	page, err := s.page(number)
	if err != nil {
		return err
	}
	switch native.Uint16(page[8:]) {
	case flagLeaf:
		return s.leaf(page, low, high, depth, root)
	case flagBranch:
		return s.branch(page, low, high, depth, root)
	}
	return fmt.Errorf("%w: page %d is of another kind", ErrDamaged, number)
}

func (s *structure) branch(page, low, high []byte, depth int, root bool) error {
	count := uint64(native.Uint16(page[10:]))
	if count == 0 || pageHeader+count*element > uint64(len(page)) {
		return fmt.Errorf("%w: a branch page is not in order", ErrDamaged)
	}
	keys := make([][]byte, count)
	for i := range count {
		at := pageHeader + i*element
		key, ok := cut(page, at+uint64(native.Uint32(page[at:])), uint64(native.Uint32(page[at+4:])))
		if !ok || !inOrder(keys[:i], key, low, high) {
			return fmt.Errorf("%w: a branch page is not in order", ErrDamaged)
		}
		keys[i] = key
	}
	for i, key := range keys {
		next := high
		if i+1 < len(keys) {
			next = keys[i+1]
		}
		at := pageHeader + i*element
		if err := s.walk(native.Uint64(page[at+8:]), key, next, depth+1, root); err != nil {
			return err
		}
	}
	return nil
}

// leaf looks over a leaf page, or one that lies inside a value.
func (s *structure) leaf(page, low, high []byte, depth int, root bool) error {
	count := uint64(native.Uint16(page[10:]))
	if pageHeader+count*element > uint64(len(page)) {
		return fmt.Errorf("%w: a leaf page is not in order", ErrDamaged)
	}
	var keys [][]byte
	for i := range count {
		at := pageHeader + i*element
		flags, from := native.Uint32(page[at:]), at+uint64(native.Uint32(page[at+4:]))
		keyLength, valueLength := uint64(native.Uint32(page[at+8:])), uint64(native.Uint32(page[at+12:]))
		key, keyOK := cut(page, from, keyLength)
		value, valueOK := cut(page, from+keyLength, valueLength)
		// Buckets lie at the top only, and nothing but buckets does.
		if !keyOK || !valueOK || !inOrder(keys, key, low, high) || flags > flagBucket || root != (flags == flagBucket) {
			return fmt.Errorf("%w: a leaf page is not in order", ErrDamaged)
		}
		keys = append(keys, key)
		if flags == flagBucket {
			if err := s.bucket(value, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *structure) bucket(value []byte, depth int) error {
	if len(value) < bucketHead {
		return fmt.Errorf("%w: a bucket is not in order", ErrDamaged)
	}
	if number := native.Uint64(value); number != 0 {
		return s.walk(number, nil, nil, depth+1, false)
	}
	inline := value[bucketHead:]
	if len(inline) < pageHeader || native.Uint64(inline) != 0 || native.Uint16(inline[8:]) != flagLeaf || native.Uint32(inline[12:]) != 0 {
		return fmt.Errorf("%w: a bucket is not in order", ErrDamaged)
	}
	return s.leaf(inline, nil, nil, depth+1, false)
}

// cut takes size bytes of the page; the sums cannot overflow, since all addends come from 32 bits.
func cut(page []byte, from, size uint64) ([]byte, bool) {
	if from > uint64(len(page)) || size > uint64(len(page))-from {
		return nil, false
	}
	return page[from : from+size], true
}

func inOrder(before [][]byte, key, low, high []byte) bool {
	return len(key) > 0 &&
		(len(before) == 0 || bytes.Compare(before[len(before)-1], key) < 0) &&
		(low == nil || bytes.Compare(low, key) <= 0) && (high == nil || bytes.Compare(key, high) < 0)
}
