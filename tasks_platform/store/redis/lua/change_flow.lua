-- Change fields of what belongs to a flow, if there is such a flow.
-- KEYS  1 the flow's hash   2 the hash to change (the flow's own, or its states)
-- ARGV  field, value, field, value...
-- Returns 1, or 0 if there is no such flow (half a one must not come to be).
if redis.call('HEXISTS', KEYS[1], 'flow') == 0 then
    return 0
end
redis.call('HSET', KEYS[2], unpack(ARGV))
return 1
