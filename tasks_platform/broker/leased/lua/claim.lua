-- Take messages for a worker, strictly by priority, and record them under its lease.
-- KEYS  1 workers by the end of their leases   2 what this worker has   3 those of it that nobody has begun with
--       4 queues that are paused   5 how many stand empty in each list
-- ARGV  1 the worker   2 the lease in ms   3 the most to take   4 the number of the first claim   5 look ahead, in ms
--       6 the prefix of all keys   7 what stands between a queue and a step   8 the number of the first claim that is
--       not begun with at once   9 the number of queues
--       then per queue: its name, and '1' if its messages are not to be acknowledged
--       then all priority steps, '|', and the steps to take, first to last
-- Returns {now in ms, when the next delayed message is due in ms or 0, then per message: the place of its queue in the
-- list of queues, its step, the number of its claim, the message}. In front of the message of a job that was cancelled
-- stand a byte 1, who has said so and why, and a byte 0.
-- Atomic: a message is in its list, or in what a worker has, never in both and never in none.
-- Messages that have become due move to their lists first, 5 000 of a queue at most in one call, whoever they are for:
-- also for a worker that takes nothing.
-- From a queue that is paused nothing is taken, and nobody is told of it.
-- Whoever takes something passes on the signal if more is to be done now or soon, so that of many idle workers one
-- looks, and not all. Keys beyond KEYS are made of the names in ARGV: this is not for Redis Cluster.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local worker, lease, want, number, ahead = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local prefix, sep, ahead_from, count = ARGV[6], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])

local queues, unrecorded = {}, {}
for i = 1, count do
    queues[i], unrecorded[i] = ARGV[8 + 2 * i], ARGV[9 + 2 * i] == '1'
end
local paused = redis.call('HMGET', KEYS[4], unpack(queues))
local steps, taken_steps = {}, {}
local into = steps
for i = 10 + 2 * count, #ARGV do
    if ARGV[i] == '|' then
        into = taken_steps
    else
        into[#into + 1] = ARGV[i]
    end
end

local function named(queue, step)
    return step == '0' and queue or queue .. sep .. step
end
local function wake(queue, step)
    local key = prefix .. 'leased:wake:' .. named(queue, step)
    redis.call('ZADD', key, 0, 'look')
    redis.call('PEXPIRE', key, 60000) -- the queue may be nobody's any more
end
-- The step of a message that was delayed before the steps were others: the next one that is taken earlier.
local function known(step)
    local found = steps[1]
    for _, one in ipairs(steps) do
        if one == step then
            return step
        elseif tonumber(one) <= (tonumber(step) or 0) then
            found = one
        end
    end
    return found
end

-- INDEX
-- the next delayed message of all queues, and where it will be
local next_due, next_queue, next_step = 0, nil, nil
local filled = {}
for i = 1, count do
    local delayed = prefix .. 'leased:delayed:' .. queues[i]
    for _ = 1, 25 do
        local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 200)
        local some_are_held = false
        if #due > 0 then
            redis.call('ZREM', delayed, unpack(due)) -- first: a full server lets a script go on that has begun
            some_are_held = redis.call('EXISTS', held_in(prefix, queues[i])) == 1
        end
        for _, member in ipairs(due) do
            local id, step, message = string.match(member, '^%d*:?([^|]*)|([^|]*)|(.*)$')
            if not step then -- written by nobody who knows how
                id, step, message = '', '0', member
            end
            step = known(step)
            local list = prefix .. named(queues[i], step)
            if type(redis.pcall('LPUSH', list, message)) == 'table' then
                redis.call('ZADD', delayed, now + 1000, member) -- the list holds something else: again in a second
                delayed_until(prefix, queues[i], now + 1000, member, id)
            else
                pushed(prefix, queues[i], list, id)
                if some_are_held then
                    redis.pcall('SREM', held_in(prefix, queues[i]), id)
                end
                filled[named(queues[i], step)] = not paused[i] and {queues[i], step} or nil
            end
        end
        if #due < 200 then
            break
        end
    end
    local head = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    if head[1] and (next_due == 0 or tonumber(head[2]) < next_due) then
        next_due, next_queue, next_step = tonumber(head[2]), queues[i], string.match(head[1], '^[^|]*|([^|]*)|')
    end
end

-- What was taken out of a list by its id stands there empty; of many of them one call passes over a part only.
local patience = 1000
local function popped(list, most)
    local messages = {}
    while #messages < most and patience > 0 do
        local got = redis.pcall('RPOP', list, most - #messages)
        if not got or got.err then -- what holds something else is passed over
            break
        end
        local empty = 0
        for _, message in ipairs(got) do
            if message == GONE then
                empty = empty + 1
            else
                messages[#messages + 1] = message
            end
        end
        if empty == 0 then
            break
        end
        patience = patience - 1
        if redis.call('HINCRBY', KEYS[5], list, -empty) <= 0 then
            redis.call('HDEL', KEYS[5], list)
        end
    end
    return messages
end

local cancelled = prefix .. 'leased:cancelled'
local some_are_cancelled = redis.call('EXISTS', cancelled) == 1
local function told(message)
    if some_are_cancelled then
        local readable, read = pcall(cjson.decode, message)
        local headers = readable and type(read) == 'table' and read.headers
        local id = type(headers) == 'table' and headers.id
        local mark = type(id) == 'string' and redis.call('HGET', cancelled, id)
        return mark and '\1' .. mark .. '\0' .. message or message
    end
    return message
end

local result, recorded, later = {now, next_due}, false, {}
for _, step in ipairs(taken_steps) do
    for i = 1, count do
        if want == 0 then
            break
        end
        local list = prefix .. named(queues[i], step)
        local got = paused[i] and {} or popped(list, want)
        if #got > 0 then
            local records = {}
            want = want - #got
            for _, message in ipairs(got) do
                local n = #result
                result[n + 1], result[n + 2], result[n + 3], result[n + 4] = i, step, number, told(message)
                if not unrecorded[i] then
                    records[#records + 1] = number
                    records[#records + 1] = list .. '\0' .. message
                    if number >= ahead_from then
                        later[#later + 1] = number
                    end
                end
                number = number + 1
            end
            if #records > 0 then
                redis.call('HSET', KEYS[2], unpack(records))
                recorded = true
            end
        end
    end
end

if recorded then
    redis.call('ZADD', KEYS[1], 'GT', now + lease, worker)
    if #later > 0 then
        redis.call('SADD', KEYS[3], unpack(later))
    end
end
for name, place in pairs(filled) do
    if redis.call('EXISTS', prefix .. name) == 1 then
        wake(place[1], place[2])
    end
end
if #result > 2 or patience == 0 then
    if want == 0 or patience == 0 then
        for _, step in ipairs(taken_steps) do
            for i = 1, count do
                if not paused[i] and redis.call('EXISTS', prefix .. named(queues[i], step)) == 1 then
                    wake(queues[i], step)
                    return result
                end
            end
        end
    end
    if next_due > 0 and next_due <= now + ahead then
        wake(next_queue, next_step)
    end
end
return result
