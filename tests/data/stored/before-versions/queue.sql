BEGIN TRANSACTION;
CREATE TABLE queue_dead(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  priority INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time_ms INTEGER NOT NULL);
CREATE TABLE queue_messages(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  priority INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  taker INTEGER);
INSERT INTO "queue_messages" VALUES(1,1,'job_01m8mcw4jh1ts46j9cwva0sqh1',1,'req_1',0,NULL);
CREATE TABLE queue_schema(version INTEGER NOT NULL);
INSERT INTO "queue_schema" VALUES(1);
CREATE TABLE queue_takers(id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE INDEX queue_waiting ON queue_messages(priority, sequence) WHERE taker IS NULL;
CREATE INDEX queue_taken ON queue_messages(taker) WHERE taker IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('queue_messages',1);
COMMIT;
