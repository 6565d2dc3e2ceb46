-- What `pegboard replay --report agent_interval` makes of agent events, as near as SQL comes to it with reasonable effort.
-- The variable `file` names the NDJSON file. scripts/bench runs it with as many threads as the machine has cores.
--
-- What it does not do, and replay does: judge each record and name the bad ones (a bad one ends the query), drop
-- duplicates, order events of one instant, take the platform's start of a status or contact instead of the event's time,
-- keep a signed-out agent signed out when an old heartbeat comes in, monitored contacts, precedence between several
-- contacts beyond a fixed list, the status table (staffed and available time), cuts at a change of team, time zones whose
-- quarters are not those of UTC, rows for time before the first and after the last event.

CREATE TEMP TABLE seen AS
SELECT
  string_split(AgentARN, '/')[-1] AS agent,
  epoch_ms(EventTimestamp) AS began,
  EventType AS kind,
  CurrentAgentSnapshot.AgentStatus.Type AS status,
  CurrentAgentSnapshot.Configuration.Username AS login,
  CurrentAgentSnapshot.Configuration.FirstName || ' ' || CurrentAgentSnapshot.Configuration.LastName AS name,
  CurrentAgentSnapshot.Configuration.AgentHierarchyGroups.Level3.Name AS team,
  list_transform(CurrentAgentSnapshot.Contacts, lambda contact: contact.State) AS states
FROM read_ndjson(getvariable('file'), columns = {
  AgentARN: 'VARCHAR', EventTimestamp: 'TIMESTAMP', EventType: 'VARCHAR',
  CurrentAgentSnapshot: 'STRUCT(AgentStatus STRUCT("Type" VARCHAR), Configuration STRUCT(Username VARCHAR, FirstName VARCHAR, LastName VARCHAR, AgentHierarchyGroups STRUCT(Level3 STRUCT("Name" VARCHAR))), Contacts STRUCT("State" VARCHAR)[])'
});

CREATE TEMP TABLE spans AS
SELECT
  agent, login, name, team, began,
  lead(began) OVER (PARTITION BY agent ORDER BY began) AS ended,
  CASE
    WHEN kind = 'LOGOUT' THEN 'signed_out'
    WHEN list_contains(states, 'CONNECTED') THEN 'talk'
    WHEN list_contains(states, 'CONNECTED_ONHOLD') THEN 'hold'
    WHEN list_contains(states, 'CONNECTING') THEN 'ringing'
    WHEN list_contains(states, 'ENDED') THEN 'acw'
    WHEN list_has_any(states, ['MISSED', 'REJECTED', 'ERROR']) THEN 'error'
    WHEN status = 'ROUTABLE' THEN 'available'
    WHEN status = 'CUSTOM' THEN 'aux'
    ELSE 'signed_out'
  END AS class
FROM seen;

CREATE TEMP TABLE agent_interval AS
SELECT
  quarter * 900000 AS interval_start, agent,
  any_value(login) AS agent_login, any_value(name) AS agent_name, any_value(team) AS team,
  sum(part) FILTER (class <> 'signed_out') AS login_ms,
  sum(part) FILTER (class = 'available') AS available_ms,
  sum(part) FILTER (class = 'ringing') AS ringing_ms,
  sum(part) FILTER (class = 'talk') AS talk_ms,
  sum(part) FILTER (class = 'hold') AS hold_ms,
  sum(part) FILTER (class = 'acw') AS acw_ms,
  sum(part) FILTER (class = 'error') AS error_ms,
  sum(part) FILTER (class = 'aux') AS aux_ms
FROM (
  SELECT *, least(ended, (quarter + 1) * 900000) - greatest(began, quarter * 900000) AS part
  FROM (SELECT *, unnest(range(began // 900000, (ended - 1) // 900000 + 1)) AS quarter FROM spans WHERE ended > began)
)
GROUP BY quarter, agent
ORDER BY quarter, agent;
