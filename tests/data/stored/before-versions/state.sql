BEGIN TRANSACTION;
CREATE TABLE state_batches(
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  jobs TEXT NOT NULL,
  webhook_url TEXT NOT NULL,
  webhook_secret TEXT NOT NULL,
  created_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "state_batches" VALUES('batch_01m8mcw4jh1ts46j9cwva0sqha','ann','["job_01m8mcw4jh1ts46j9cwva0sqh1","job_01m8mcw4jh1ts46j9cwva0sqh2","job_01m8mcw4jh1ts46j9cwva0sqh3","job_01m8mcw4jh1ts46j9cwva0sqh4","job_01m8mcw4jh1ts46j9cwva0sqh5"]','https://hook.example','sixteen characters',1795493108001);
CREATE TABLE state_events(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  job_id TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  data TEXT NOT NULL);
INSERT INTO "state_events" VALUES(1,'queued','job_01m8mcw4jh1ts46j9cwva0sqh1','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh1","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"bulk"},"generation":1,"state":"queued","attempt":0,"fraction":0.0,"stage":"","node":"","layout":null,"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_events" VALUES(2,'running','job_01m8mcw4jh1ts46j9cwva0sqh2','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh2","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":1,"state":"running","attempt":1,"fraction":0.25,"stage":"grayscale | gaussian-blur","node":"node_01m8mcw4jh1ts46j9cwva0sqhn","layout":{"mode":"farm","ranks":[{"rank":0,"location":"host"}]},"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_events" VALUES(3,'done','job_01m8mcw4jh1ts46j9cwva0sqh3','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh3","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":1,"state":"done","attempt":1,"fraction":1.0,"stage":"","node":"node_01m8mcw4jh1ts46j9cwva0sqhn","layout":{"mode":"farm","ranks":[]},"result":{"object":"results/ann/job_01m8mcw4jh1ts46j9cwva0sqh3.png","file_name":"größe \"1\"-grayscale-gaussian-blur.png","content_type":"image/png","size_bytes":28004,"width_px":640,"height_px":480,"findings":[{"operator":"hough-lines","columns":["rho","theta"],"count":1,"rows":[[1.0,0.5]]}]},"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_events" VALUES(4,'failed','job_01m8mcw4jh1ts46j9cwva0sqh4','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh4","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":2,"state":"failed","attempt":3,"fraction":0.0,"stage":"","node":"","layout":null,"failure":{"code":"rank-lost","sentence":"It was tried 3 times."},"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_events" VALUES(5,'cancelled','job_01m8mcw4jh1ts46j9cwva0sqh5','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh5","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":1,"state":"cancelled","attempt":0,"fraction":0.0,"stage":"","node":"","layout":null,"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
CREATE TABLE state_jobs(
  id TEXT PRIMARY KEY,
  batch_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  state INTEGER NOT NULL,
  published INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  record TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "state_jobs" VALUES('job_01m8mcw4jh1ts46j9cwva0sqh1','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',0,0,1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh1","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"bulk"},"generation":1,"state":"queued","attempt":0,"fraction":0.0,"stage":"","node":"","layout":null,"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_jobs" VALUES('job_01m8mcw4jh1ts46j9cwva0sqh2','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',1,1,1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh2","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":1,"state":"running","attempt":1,"fraction":0.25,"stage":"grayscale | gaussian-blur","node":"node_01m8mcw4jh1ts46j9cwva0sqhn","layout":{"mode":"farm","ranks":[{"rank":0,"location":"host"}]},"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_jobs" VALUES('job_01m8mcw4jh1ts46j9cwva0sqh3','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',3,1,1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh3","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":1,"state":"done","attempt":1,"fraction":1.0,"stage":"","node":"node_01m8mcw4jh1ts46j9cwva0sqhn","layout":{"mode":"farm","ranks":[]},"result":{"object":"results/ann/job_01m8mcw4jh1ts46j9cwva0sqh3.png","file_name":"größe \"1\"-grayscale-gaussian-blur.png","content_type":"image/png","size_bytes":28004,"width_px":640,"height_px":480,"findings":[{"operator":"hough-lines","columns":["rho","theta"],"count":1,"rows":[[1.0,0.5]]}]},"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_jobs" VALUES('job_01m8mcw4jh1ts46j9cwva0sqh4','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',4,1,1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh4","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":2,"state":"failed","attempt":3,"fraction":0.0,"stage":"","node":"","layout":null,"failure":{"code":"rank-lost","sentence":"It was tried 3 times."},"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
INSERT INTO "state_jobs" VALUES('job_01m8mcw4jh1ts46j9cwva0sqh5','batch_01m8mcw4jh1ts46j9cwva0sqha','ann',5,1,1795493108001,'{"id":"job_01m8mcw4jh1ts46j9cwva0sqh5","batch":"batch_01m8mcw4jh1ts46j9cwva0sqha","owner":"ann","request_id":"req_1","request":{"object":"uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0","name":"größe \"1\".jpg","pipeline":{"operators":[{"name":"grayscale"},{"name":"gaussian-blur","params":{"sigma":1.5}}]},"output":{"format":"png"},"priority":"interactive"},"generation":1,"state":"cancelled","attempt":0,"fraction":0.0,"stage":"","node":"","layout":null,"created":"2026-11-24T04:05:06.789Z","updated":"2026-11-24T04:05:08.001Z"}');
CREATE TABLE state_keys(
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY(owner, key)) WITHOUT ROWID;
INSERT INTO "state_keys" VALUES('ann','key','print','batch_01m8mcw4jh1ts46j9cwva0sqha',1795493108001);
CREATE TABLE state_nodes(
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  details TEXT NOT NULL,
  seen_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state_schema(version INTEGER NOT NULL);
INSERT INTO "state_schema" VALUES(1);
CREATE TABLE state_tokens(
  hash TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  scopes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "state_tokens" VALUES('aa','ann',3,1795493108001,0);
CREATE TABLE state_uploads(
  object TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  link_expires_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  taken_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "state_uploads" VALUES('uploads/ann/upload_x','ann',9999999999999,9999999999999,0,-1);
CREATE TABLE state_webhook_calls(
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  last INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "state_webhook_calls" VALUES('job_01m8mcw4jh1ts46j9cwva0sqh5.1','job_01m8mcw4jh1ts46j9cwva0sqh5',1,0,0,1795493108001);
CREATE INDEX state_jobs_of_owner ON state_jobs(owner, id);
CREATE INDEX state_jobs_of_batch ON state_jobs(batch_id, id);
CREATE INDEX state_jobs_in_state ON state_jobs(state, updated_ms);
CREATE INDEX state_jobs_waiting ON state_jobs(owner) WHERE state=0;
CREATE INDEX state_jobs_unpublished ON state_jobs(updated_ms) WHERE published=0;
CREATE INDEX state_keys_by_age ON state_keys(created_ms);
CREATE INDEX state_webhook_calls_due ON state_webhook_calls(due_ms);
CREATE INDEX state_uploads_of_owner ON state_uploads(owner, expires_ms);
CREATE INDEX state_uploads_by_expiry ON state_uploads(expires_ms);
CREATE INDEX state_uploads_unmeasured ON state_uploads(taken_ms) WHERE size_bytes<0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('state_events',5);
COMMIT;
