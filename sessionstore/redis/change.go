package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	driver "github.com/redis/go-redis/v9"

	"sallyport/session"
)

// What scripts answer.
const (
	answerDone    = 0
	answerGone    = 1
	answerChanged = 2
)

// What a put may expect besides a version, which is longer.
const (
	expectNothing   = "nothing"   // that the token is unknown, dead or alive
	expectNoneDead  = "none dead" // that there is no tombstone
	tombstoneMillis = int64(session.TombstoneLife / time.Millisecond)
)

// putScript stores a session. KEYS: its key. ARGV: the entry, its life in milliseconds, what is expected. An entry that has the
// new version already is this change's own, sent a second time.
//
// Scripts that begin with #!lua and no flag are refused by a replica, and by a server that is full, before they do anything.
var putScript = driver.NewScript(`#!lua
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local kind, version = string.sub(head, 1, 1), string.sub(head, 2)
local expected = ARGV[3]
if head == string.sub(ARGV[1], 1, 17) then return 0 end
if expected == 'nothing' then
	if head ~= '' then return 1 end
elseif expected == 'none dead' then
	if kind == 'D' then return 1 end
else
	if kind ~= 'L' then return 1 end
	if version ~= expected then return 2 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0
`)

// buryScript puts a tombstone in the place of a session. KEYS: its key. ARGV: the tombstone's version, its least life in
// milliseconds. A tombstone of this version is this change's own, sent a second time. A full server runs it too: a session
// can be ended at any time.
var buryScript = driver.NewScript(`#!lua flags=allow-oom
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local tombstone = 'D' .. ARGV[1]
if head == tombstone then return 0 end
if string.sub(head, 1, 1) ~= 'L' then return 1 end
local life = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], tombstone, 'PX', string.format('%.0f', life))
return 0
`)

// moveScript is both at once. KEYS: the old key, the new one, walksKey. ARGV: the entry, its life in milliseconds, the version expected of
// the old one, the least life of a tombstone, the new token.
var moveScript = driver.NewScript(`#!lua
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local tombstone = 'D' .. string.sub(ARGV[1], 2, 17)
if head == tombstone then return 0 end
if string.sub(head, 1, 1) ~= 'L' then return 1 end
if string.sub(head, 2) ~= ARGV[3] then return 2 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
local life = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[4]))
local walks = redis.call('GET', KEYS[3]) or '0'
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[1], tombstone .. walks .. ' ' .. ARGV[5], 'PX', string.format('%.0f', life))
return 0
`)

// run runs a script and tells its answer as an error.
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

func (s *Store) put(ctx context.Context, token, expected string, stored []byte, expiry time.Time) error {
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	return s.run(ctx, putScript, []string{prefix + token}, newEntry(stored), life.Milliseconds(), expected)
}

// MoveCtx implements session.Swapper.
func (s *Store) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	return s.run(ctx, moveScript, []string{prefix + token, prefix + newToken, walksKey},
		newEntry(stored), life.Milliseconds(), expected[:], tombstoneMillis, newToken)
}

// DeleteCtx implements scs.CtxStore.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.ClaimCtx(ctx, token)
	return err
}

// ClaimCtx implements session.Claimer. A token that is unknown gets no tombstone: anybody can think of tokens.
func (s *Store) ClaimCtx(ctx context.Context, token string) (bool, error) {
	tombstone := session.NewVersion()
	err := s.run(ctx, buryScript, []string{prefix + token}, tombstone[:], tombstoneMillis)
	if errors.Is(err, session.ErrGone) {
		return false, nil
	}
	return err == nil, err
}
