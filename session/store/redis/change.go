package redis

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	driver "github.com/redis/go-redis/v9"

	"sallyport.example/sallyport/session"
)

// The answers of scripts.
const (
	answerDone    = 0
	answerGone    = 1
	answerChanged = 2
)

// What a put may expect instead of a version, which is longer.
const (
	expectNothing   = "nothing"   // that the token is unknown, dead or alive
	expectNoneDead  = "none dead" // that there is no tombstone
	tombstoneMillis = int64(session.TombstoneLife / time.Millisecond)
)

// putScript stores a session. KEYS: its key, and those of indexes. ARGV: the entry, its life in milliseconds, what is
// expected, the token, the strangers' share. If the entry already has the new version, this change was sent a second
// time.
//
// A replica, and a server that is full, refuse scripts that begin with #!lua and no flag before these do anything.
var putScript = driver.NewScript(`#!lua
` + labelLua + `
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local kind, version = string.sub(head, 1, 1), string.sub(head, 2)
local expected = ARGV[3]
if head == string.sub(ARGV[1], 1, 17) then return 0 end
if expected == 'nothing' then
	if head ~= '' then return 1 end
elseif expected == 'none dead' then
	if kind == 'D' then return 1 end
else
	if kind == '' or kind == 'D' then return 1 end
	if version ~= expected then return 2 end
end
label(ARGV[1], ARGV[2], ARGV[4], ARGV[5], KEYS[2], KEYS[3], KEYS[4])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0
`)

// buryScript replaces a session by a tombstone. KEYS: its key. ARGV: the tombstone's version, its least life in
// milliseconds. If there is a tombstone of this version, this change was sent a second time. A full server runs it too:
// a session can be ended at any time.
var buryScript = driver.NewScript(`#!lua flags=allow-oom
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local kind = string.sub(head, 1, 1)
local tombstone = 'D' .. ARGV[1]
if head == tombstone then return 0 end
if kind == '' or kind == 'D' then return 1 end
local life = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], tombstone, 'PX', string.format('%.0f', life))
return 0
`)

// moveScript is both at once. KEYS: the old key, those of indexes, the new key, walksKey. ARGV: the entry, its life in
// milliseconds, the expected version of the old one, the new token, the strangers' share, the least life of a
// tombstone.
var moveScript = driver.NewScript(`#!lua
` + labelLua + `
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local kind = string.sub(head, 1, 1)
local tombstone = 'D' .. string.sub(ARGV[1], 2, 17)
if head == tombstone then return 0 end
if kind == '' or kind == 'D' then return 1 end
if string.sub(head, 2) ~= ARGV[3] then return 2 end
if redis.call('EXISTS', KEYS[5]) == 1 then return 1 end
local life = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[6]))
local walks = redis.call('GET', KEYS[6]) or '0'
label(ARGV[1], ARGV[2], ARGV[4], ARGV[5], KEYS[2], KEYS[3], KEYS[4])
redis.call('SET', KEYS[5], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[1], tombstone .. walks .. ' ' .. ARGV[4], 'PX', string.format('%.0f', life))
return 0
`)

// store runs a script that stores a session. If the server is full, strangers' sessions make room for it.
func (s *Store) store(ctx context.Context, script *driver.Script, c stored) error {
	keys := append([]string{prefix + c.token, strangersKey, unlabelledKey, ownerKey(c.owner)}, c.keys...)
	args := append([]any{c.entry, c.life, c.expected, c.goesOn, s.options.Strangers}, c.args...)
	err := s.run(ctx, script, keys, args...)
	for range roomTimes {
		if !driver.HasErrorPrefix(errors.Unwrap(err), "OOM") || s.makeRoom(ctx) != nil {
			break
		}
		// Also if no session could be ended: other callers may have made room just before.
		err = s.run(ctx, script, keys, args...)
	}
	return err
}

// stored is what store passes to its script.
type stored struct {
	token    string // the one with the expected version
	goesOn   string // the session's token afterwards
	entry    []byte
	life     int64
	expected any
	owner    session.Owner
	keys     []string
	args     []any
}

// run runs a script and returns its answer as an error.
func (s *Store) run(ctx context.Context, script *driver.Script, keys []string, args ...any) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	answer, err := script.Run(ctx, s.client, keys, args...).Int()
	switch {
	case err != nil:
		return fmt.Errorf("changing a session in Redis: %w", err)
	case answer == answerDone:
		return nil
	case answer == answerGone:
		return session.ErrGone
	case answer == answerChanged:
		return session.ErrChanged
	}
	return fmt.Errorf("%w: %d", ErrAnswer, answer)
}

// CommitCtx implements scs.CtxStore.
func (s *Store) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	return s.put(ctx, token, expectNoneDead, stored, expiry)
}

// SwapCtx implements session.Swapper.
func (s *Store) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	if expected == (session.Version{}) {
		return s.put(ctx, token, expectNothing, stored, expiry)
	}
	return s.put(ctx, token, string(expected[:]), stored, expiry)
}

func (s *Store) put(ctx context.Context, token, expected string, value []byte, expiry time.Time) error {
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	label := session.LabelOf(ctx)
	return s.store(ctx, putScript, stored{
		token: token, goesOn: token, entry: newEntry(label, value), life: life.Milliseconds(), expected: expected, owner: label.Owner,
	})
}

// MoveCtx implements session.Swapper.
func (s *Store) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, value []byte, expiry time.Time,
) error {
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	label := session.LabelOf(ctx)
	return s.store(ctx, moveScript, stored{
		token: token, goesOn: newToken, entry: newEntry(label, value), life: life.Milliseconds(), expected: expected[:], owner: label.Owner,
		keys: []string{prefix + newToken, walksKey}, args: []any{tombstoneMillis},
	})
}

// DeleteCtx implements scs.CtxStore.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.ClaimCtx(ctx, token)
	return err
}

// ClaimCtx implements session.Claimer. An unknown token gets no tombstone: anybody can make up tokens.
func (s *Store) ClaimCtx(ctx context.Context, token string) (bool, error) {
	tombstone := session.NewVersion()
	err := s.run(ctx, buryScript, []string{prefix + token}, tombstone[:], tombstoneMillis)
	if errors.Is(err, session.ErrGone) {
		return false, nil
	}
	return err == nil, err
}

// ownerKey returns the key of the set that has the tokens of an owner's sessions.
func ownerKey(owner session.Owner) string { return "{sallyport}:owner:" + hex.EncodeToString(owner[:]) }
