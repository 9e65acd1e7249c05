-- Record that the message of a job id was sent.
-- KEYS  1 the id's key
-- ARGV  1 milliseconds the id stays taken
-- Returns nothing.
-- Atomic: a job that ended before its sender could say so stays ended.
if redis.call('GET', KEYS[1]) ~= 'ended' then
    redis.call('SET', KEYS[1], 'sent', 'PX', ARGV[1])
end
