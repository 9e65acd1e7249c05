-- Move messages that a worker has back into their lists, or to the graveyard.
-- KEYS  1 workers by the end of their leases   2 what the worker has   3 those of it that nobody has begun with
--       4 the graveyard
-- ARGV  1 the worker   2 'own' if it gives them back itself, 'dead' if its lease has ended
--       3 the length of the prefix of all keys
--       then per message: number of the claim, where ('head' or 'tail' of the list; 'graveyard'; 'nowhere'; or, in ms
--       since 1970, when it is due: then the list is a sorted set), list, message, its queue, the id of its job or ''
-- Returns how many were moved: the others were settled, or moved by somebody else; -1 if the worker is alive after all.
-- What its list refuses goes to the graveyard as it was; what that refuses, too, stays where it is.
-- Atomic: two who recover the same worker do not double a message. Whoever is idle is told of the lists that were filled.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == 'dead' then
    local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
    if ends and tonumber(ends) > now then
        return -1
    end
end
-- INDEX
local prefix = tonumber(ARGV[3])
local beginning = string.sub(KEYS[1], 1, prefix)
local function put(where, list, message)
    if where == 'nowhere' then
        return {ok = 'OK'}
    elseif where == 'graveyard' then
        return redis.pcall('LPUSH', KEYS[4], message)
    elseif tonumber(where) then
        return redis.pcall('ZADD', list, where, message)
    end
    local done = redis.pcall(where == 'head' and 'RPUSH' or 'LPUSH', list, message)
    if type(done) == 'number' then
        local wake = beginning .. 'leased:wake:' .. string.sub(list, prefix + 1)
        redis.pcall('ZADD', wake, 0, 'look')
        redis.pcall('PEXPIRE', wake, 60000)
    end
    return done
end
local function refused(done)
    return type(done) == 'table' and done.err
end
local function remember(where, list, message, queue, id)
    if where == 'tail' then
        pushed(beginning, queue, list, id)
    elseif where == 'graveyard' or where == 'nowhere' then
        left(beginning, queue, id)
    elseif tonumber(where) then
        delayed_until(beginning, queue, where, message, id)
    end -- else it was put where it had been: nobody is behind it who was not before
end
local moved = 0
for i = 4, #ARGV, 6 do
    local number, where, list, message = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local queue, id = ARGV[i + 4], ARGV[i + 5]
    local recorded = redis.call('HGET', KEYS[2], number)
    if recorded then
        redis.call('SREM', KEYS[3], number)
        redis.call('HDEL', KEYS[2], number) -- first: a full server lets a script go on that has begun
        if string.byte(recorded, 1) == 0 then -- its job has put it elsewhere by itself
            where, id = 'nowhere', ''
        end
        if refused(put(where, list, message)) then -- the key of the list holds something else
            local _, cut = string.find(recorded, '\0', 1, true)
            if refused(put('graveyard', nil, string.sub(recorded, (cut or 0) + 1))) then
                redis.call('HSET', KEYS[2], number, recorded)
                moved = moved - 1
            else
                left(beginning, queue, id)
            end
        else
            remember(where, list, message, queue, id)
        end
        moved = moved + 1
    end
end
if ARGV[2] == 'dead' and moved > 0 then -- for a week it is known that others have what it may still be working on
    local dead = beginning .. 'leased:dead'
    redis.call('ZADD', dead, now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', dead, '-inf', now - 604800000)
end
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('ZREM', KEYS[1], ARGV[1])
end
return moved
