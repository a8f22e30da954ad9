// Uploads that no job uses yet.
#include "adapters/sqlite/state_parts.hpp"

namespace tessera::sqlite_state {
namespace {

constexpr std::int64_t unknown_size = -1;

class SqliteUploadLedger final : public UploadLedger {
 public:
  explicit SqliteUploadLedger(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), database_(shared_->path) {}

  Entered enter(const UploadPlace& place, const UploadLimits& limits) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    SqliteStatement(database_, "DELETE FROM state_uploads WHERE expires_ms<?", now_ms()).run();
    const UploadUse use = read_use(place.owner);
    const bool room = (limits.max_places == 0 || use.places < limits.max_places) &&
                      (limits.max_bytes == 0 || use.bytes < limits.max_bytes);
    if (room) {
      SqliteStatement(database_, "INSERT OR REPLACE INTO state_uploads VALUES(?,?,?,?,?,?)", place.object,
                      place.owner, to_ms(place.link_expires), to_ms(place.expires), now_ms(), unknown_size)
          .run();
    }
    transaction.commit();
    return {room, use};
  }

  Measured measure(const std::string& object, std::int64_t size_bytes, std::int64_t max_bytes) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    std::string owner;
    std::int64_t before = 0;
    {
      SqliteStatement row(database_,
                          "SELECT owner, MAX(size_bytes,0) FROM state_uploads"
                          " WHERE object=? AND expires_ms>=?",
                          object, now_ms());
      if (!row.step()) {
        return Measured::not_here;
      }
      owner = row.text(0);
      before = row.integer(1);
    }
    if (max_bytes != 0 && read_use(owner).bytes - before + size_bytes > max_bytes) {
      return Measured::too_much;
    }
    SqliteStatement(database_, "UPDATE state_uploads SET size_bytes=? WHERE object=?", size_bytes, object)
        .run();
    transaction.commit();
    return Measured::noted;
  }

  std::vector<UploadPlace> take_unmeasured(TimePoint taken_before, int limit) override {
    const std::lock_guard guard(mutex_);
    std::vector<UploadPlace> places;
    {
      // Without a lock on those who write, if there is none.
      SqliteStatement row(database_,
                          "SELECT object, owner, link_expires_ms, expires_ms FROM state_uploads"
                          " WHERE size_bytes<0 AND taken_ms<? AND expires_ms>=? ORDER BY taken_ms LIMIT ?",
                          to_ms(taken_before), now_ms(), std::int64_t{limit});
      while (row.step()) {
        places.push_back({row.text(0), row.text(1), from_ms(row.integer(2)), from_ms(row.integer(3))});
      }
    }
    if (places.empty()) {
      return places;
    }
    SqliteTransaction transaction(database_);
    for (const UploadPlace& place : places) {
      SqliteStatement(database_, "UPDATE state_uploads SET taken_ms=? WHERE object=?", now_ms(), place.object)
          .run();
    }
    transaction.commit();
    return places;
  }

  void release(const std::vector<std::string>& objects) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    for (const std::string& object : objects) {
      SqliteStatement(database_, "DELETE FROM state_uploads WHERE object=?", object).run();
    }
    transaction.commit();
  }

  UploadUse use_of(const std::string& owner) override {
    const std::lock_guard guard(mutex_);
    return read_use(owner);
  }

 private:
  [[nodiscard]] std::int64_t now_ms() const { return to_ms(shared_->options.now()); }

  UploadUse read_use(const std::string& owner) {
    SqliteStatement row(database_,
                        "SELECT COUNT(*), COALESCE(SUM(MAX(size_bytes,0)),0) FROM state_uploads"
                        " WHERE owner=? AND expires_ms>=?",
                        owner, now_ms());
    row.step();
    return {row.integer(0), row.integer(1)};
  }

  std::shared_ptr<Shared> shared_;
  std::mutex mutex_;
  SqliteDatabase database_;
};

}  // namespace

std::unique_ptr<UploadLedger> open_uploads(std::shared_ptr<Shared> shared) {
  return std::make_unique<SqliteUploadLedger>(std::move(shared));
}

}  // namespace tessera::sqlite_state
