// SPDX-License-Identifier: Apache-2.0
// Reservations for uploads.
#include "adapters/sqlite/state_parts.hpp"

namespace tessera::sqlite_state {
namespace {

constexpr std::int64_t unknown_size = -1;

class SqliteUploadLedger final : public UploadLedger {
 public:
  explicit SqliteUploadLedger(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), database_(shared_->path) {}

  Reserved reserve(const UploadReservation& reservation, const UploadLimits& limits) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    SqliteStatement(database_, "DELETE FROM state_uploads WHERE expires_ms<?", now_ms()).run();
    const UploadUsage usage = read_usage(reservation.owner);
    const bool room = (limits.max_reservations == 0 || usage.reservations < limits.max_reservations) &&
                      (limits.max_bytes == 0 || usage.bytes < limits.max_bytes);
    if (room) {
      SqliteStatement(database_, "INSERT OR REPLACE INTO state_uploads VALUES(?,?,?,?,?,?)",
                      reservation.object, reservation.owner, to_ms(reservation.link_expires),
                      to_ms(reservation.expires), now_ms(), unknown_size)
          .run();
    }
    transaction.commit();
    return {room, usage};
  }

  SizeUpdate record_size(const std::string& object, std::int64_t size_bytes,
                         std::int64_t max_bytes) override {
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
        return SizeUpdate::not_found;
      }
      owner = row.text(0);
      before = row.integer(1);
    }
    if (max_bytes != 0 && read_usage(owner).bytes - before + size_bytes > max_bytes) {
      return SizeUpdate::over_limit;
    }
    SqliteStatement(database_, "UPDATE state_uploads SET size_bytes=? WHERE object=?", size_bytes, object)
        .run();
    transaction.commit();
    return SizeUpdate::recorded;
  }

  std::vector<UploadReservation> claim_unmeasured(TimePoint claimed_before, int limit) override {
    const std::lock_guard guard(mutex_);
    std::vector<UploadReservation> reservations;
    {
      // Takes no write lock if there are none.
      SqliteStatement row(database_,
                          "SELECT object, owner, link_expires_ms, expires_ms FROM state_uploads"
                          " WHERE size_bytes<0 AND taken_ms<? AND expires_ms>=? ORDER BY taken_ms LIMIT ?",
                          to_ms(claimed_before), now_ms(), std::int64_t{limit});
      while (row.step()) {
        reservations.push_back({row.text(0), row.text(1), from_ms(row.integer(2)), from_ms(row.integer(3))});
      }
    }
    if (reservations.empty()) {
      return reservations;
    }
    SqliteTransaction transaction(database_);
    for (const UploadReservation& reservation : reservations) {
      SqliteStatement(database_, "UPDATE state_uploads SET taken_ms=? WHERE object=?", now_ms(),
                      reservation.object)
          .run();
    }
    transaction.commit();
    return reservations;
  }

  void release(const std::vector<std::string>& objects) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    for (const std::string& object : objects) {
      SqliteStatement(database_, "DELETE FROM state_uploads WHERE object=?", object).run();
    }
    transaction.commit();
  }

  UploadUsage usage_of(const std::string& owner) override {
    const std::lock_guard guard(mutex_);
    return read_usage(owner);
  }

 private:
  [[nodiscard]] std::int64_t now_ms() const { return to_ms(shared_->options.now()); }

  UploadUsage read_usage(const std::string& owner) {
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
