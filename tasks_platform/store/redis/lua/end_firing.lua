-- Record that a moment of a schedule was fired, if a beat had begun to send it and died before it could say so.
-- KEYS  1 the schedule's firings by moment   2 its count of ends by state
-- ARGV  1 the moment   2 the id of its job
-- Returns nothing.
-- Atomic: the first end of a moment stands and is counted once.
local known = redis.call('HGET', KEYS[1], ARGV[1])
local claim = known and string.match(known, '^sending (.*)$')
if not claim then
    return
end
local firing = cjson.decode(claim)
firing.state, firing.job_id = 'fired', ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], 'fired ' .. cjson.encode(firing))
redis.call('HINCRBY', KEYS[2], 'fired', 1)
