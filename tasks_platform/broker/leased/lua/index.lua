-- A part of other scripts: where the message of an id was put, for those who look for it.
-- It is a hint. What it says is true of a message that is still there: nobody before it in its list can be put in
-- between, so that its place from the end where messages are put is the number of those that were put there since.
-- Who finds another message in that place looks around. No hint is worth the failure of a step that has begun.
-- What was taken out of the middle of a list stands there as this, so that the others keep their places.
local GONE = '\0'
local function pushed(prefix, queue, list, id)
    local serial = redis.pcall('HINCRBY', prefix .. 'leased:pushed', list, 1)
    if id ~= '' and type(serial) == 'number' then
        redis.pcall('HSET', prefix .. 'leased:index:' .. queue, id, serial .. '|' .. list)
    end
end
local function all_pushed(prefix, queue, list, ids)
    local serial, places = redis.pcall('HINCRBY', prefix .. 'leased:pushed', list, #ids), {}
    for i, id in ipairs(ids) do
        if id ~= '' and type(serial) == 'number' then
            places[#places + 1], places[#places + 2] = id, serial - #ids + i .. '|' .. list
        end
    end
    if #places > 0 then
        redis.pcall('HSET', prefix .. 'leased:index:' .. queue, unpack(places))
    end
end
local function delayed_until(prefix, queue, due, member, id)
    if id ~= '' then
        redis.pcall('HSET', prefix .. 'leased:index:' .. queue, id, 'due|' .. due .. '|' .. string.sub(member, 1, 20))
    end
end
-- Which of those that are not due yet were set aside.
local function held_in(prefix, queue)
    return prefix .. 'leased:held:' .. queue
end
local function unindexed(prefix, queue, id)
    if id ~= '' then
        redis.pcall('HDEL', prefix .. 'leased:index:' .. queue, id)
    end
end
-- A message is not to come back: nobody has to be told any more that its job is cancelled.
local some_cancelled
local function left(prefix, queue, id)
    unindexed(prefix, queue, id)
    if some_cancelled == nil then
        some_cancelled = redis.pcall('EXISTS', prefix .. 'leased:cancelled') == 1
    end
    if some_cancelled and id ~= '' then
        redis.pcall('HDEL', prefix .. 'leased:cancelled', id)
    end
end
