-- Find letters that are on all of some lists, the newest first.
-- KEYS  the lists
-- ARGV  1 the latest time of death   2 the letter of that time to go on after, or ''   3 the earliest time of death
--       4 how many to leave out   5 how many to return   6 how many to look at, at most
-- Returns {how many are still to be left out, 1 if there are no more, else 0, the time of death and the id of the
-- last one that was looked at, {id, id...}}.
-- Reads only. The shortest list is walked, and only for so long: other callers wait meanwhile.
local walked = 1
for i = 2, #KEYS do
    if redis.call('ZCARD', KEYS[i]) < redis.call('ZCARD', KEYS[walked]) then
        walked = i
    end
end
local latest, after, earliest = ARGV[1], ARGV[2], ARGV[3]
local skip, left, budget = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local rank = redis.call('ZCOUNT', KEYS[walked], '(' .. latest, '+inf')
local at = after ~= '' and redis.call('ZSCORE', KEYS[walked], after)
if at and tonumber(at) == tonumber(latest) then
    rank = redis.call('ZREVRANK', KEYS[walked], after) + 1
end
if #KEYS == 1 then
    rank, skip = rank + skip, 0
end
local function is_on_all(id)
    for i = 1, #KEYS do
        if i ~= walked and not redis.call('ZSCORE', KEYS[i], id) then
            return false
        end
    end
    return true
end
local found, last_at, last_id, no_more = {}, latest, after, 0
while left > 0 and budget > 0 and no_more == 0 do
    local size = math.min(budget, #KEYS == 1 and left or 500)
    local page = redis.call('ZREVRANGE', KEYS[walked], rank, rank + size - 1, 'WITHSCORES')
    for i = 1, #page, 2 do
        if tonumber(page[i + 1]) < tonumber(earliest) then
            no_more = 1
            break
        end
        last_id, last_at = page[i], page[i + 1]
        if is_on_all(last_id) then
            if skip > 0 then
                skip = skip - 1
            else
                found[#found + 1] = last_id
                left = left - 1
            end
        end
        if left == 0 then
            break
        end
    end
    if #page < 2 * size and left > 0 then
        no_more = 1
    end
    budget, rank = budget - size, rank + size
end
return {skip, no_more, last_at, last_id, found}
