package redis

import (
	"context"
	"fmt"
	"time"

	driver "github.com/redis/go-redis/v9"

	"sallyport.example/sallyport/session"
)

const (
	// strangersKey has the tokens of anonymous sessions and of their tombstones, by the time when they began.
	strangersKey = "{sallyport}:strangers"
	// unlabelledKey exists for as long as a session may live that this version stored without a label.
	unlabelledKey = "{sallyport}:unlabelled"
	// searchedKey exists for searchedFor after a walk that found no session from a version before the labels. Such a
	// version may be running beside this one, and store more of them.
	searchedKey = "{sallyport}:searched"
	searchedFor = 10 * time.Minute
	// roomShare is the part of the strangers' entries that is removed from a full server. roomTimes is how often at
	// most that is done for one change: others may use the freed memory.
	roomShare = 16
	roomTimes = 4
)

// evictLua ends the oldest strangers' entries. A token without an entry has expired, or was flushed. The keys are not
// among the script's own KEYS, but have their hash tag, so they are on the node where it runs.
const evictLua = `
local function evict(strangers, many)
	local oldest = redis.call('ZPOPMIN', strangers, many)
	for i = 1, #oldest, 2 do
		local key = '` + prefix + `' .. oldest[i]
		local kind = redis.call('GETRANGE', key, 0, 0)
		if kind == 'S' or kind == 'D' then redis.call('DEL', key) end
	end
	return #oldest / 2
end
`

// labelLua adds a session that is about to be stored to its index. It runs first, so that a script that breaks off, for
// want of a right for instance, has not changed a session. The index is the set of its owner, where dead sessions stay
// until somebody looks for them, or that of the strangers, where the session keeps its position.
const labelLua = evictLua + `
local function prolong(key, life)
	if redis.call('PTTL', key) < tonumber(life) then redis.call('PEXPIRE', key, life) end
end
local function label(entry, life, token, share, strangers, unlabelled, owner)
	local kind = string.sub(entry, 1, 1)
	if kind == 'S' then
		if redis.call('ZSCORE', strangers, token) then return end
		local time = redis.call('TIME')
		redis.call('ZADD', strangers, string.format('%.0f', time[1] * 1000000 + time[2]), token)
		prolong(strangers, math.max(life, 86400000))
		local surplus = redis.call('ZCARD', strangers) - share
		if surplus > 0 then evict(strangers, surplus) end
		return
	end
	redis.call('ZREM', strangers, token)
	if kind == 'O' then
		redis.call('SADD', owner, token)
		prolong(owner, life)
	else
		redis.call('SET', unlabelled, 1, 'PX', string.format('%.0f', math.max(redis.call('PTTL', unlabelled), life)))
	end
end
`

// roomScript makes room. KEYS: strangersKey. ARGV: the part of the strangers' entries to remove.
var roomScript = driver.NewScript(`#!lua flags=allow-oom
` + evictLua + `
return evict(KEYS[1], math.ceil(redis.call('ZCARD', KEYS[1]) / ARGV[1]))
`)

// makeRoom removes strangers' entries from a server that is full.
func (s *Store) makeRoom(ctx context.Context) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	return roomScript.Run(ctx, s.client, []string{strangersKey}, roomShare).Err()
}

// ownedScript returns the tokens and entries of owners' sessions. KEYS: the owners' sets. It removes dead sessions from
// these. It counts as a write, so that a replica refuses it, and it may run on a full server.
var ownedScript = driver.NewScript(`#!lua flags=allow-oom
local found = {}
for _, owner in ipairs(KEYS) do
	for _, token in ipairs(redis.call('SMEMBERS', owner)) do
		local entry = redis.call('GET', '` + prefix + `' .. token)
		if entry and string.sub(entry, 1, 1) == 'O' then
			found[#found + 1] = token
			found[#found + 1] = entry
		else
			redis.call('SREM', owner, token)
		end
	end
end
return found
`)

// OwnedCtx implements session.Index. One script sees the sessions as of one moment.
func (s *Store) OwnedCtx(ctx context.Context, owners []session.Owner, visit func(token string, stored []byte) error) error {
	keys := make([]string, len(owners))
	for i, owner := range owners {
		keys[i] = ownerKey(owner)
	}
	asking, cancel := s.bound(ctx)
	defer cancel()
	found, err := ownedScript.Run(asking, s.client, keys).StringSlice()
	if err != nil {
		return fmt.Errorf("asking Redis for the sessions of an account: %w", err)
	}
	for i := 0; i+1 < len(found); i += 2 {
		if e := parseEntry(found[i+1]); e.alive() {
			if err := visit(found[i], e.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// UnlabelledCtx implements session.Index.
func (s *Store) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	asking, cancel := s.bound(ctx)
	defer cancel()
	unlabelled, err := s.client.Exists(asking, unlabelledKey).Result()
	if err == nil && unlabelled == 0 {
		var searched int64
		if searched, err = s.client.Exists(asking, searchedKey).Result(); searched > 0 {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("asking Redis for sessions without a label: %w", err)
	}
	none := true
	err = s.each(ctx, func(token string, e entry) error {
		none = none && e.kind != kindLive
		return visit(token, e.value)
	})
	if err == nil && none {
		// If this fails, the next call walks again.
		_ = s.client.Set(asking, searchedKey, 1, searchedFor).Err()
	}
	return err
}
