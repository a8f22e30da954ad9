// SPDX-License-Identifier: Apache-2.0
// Reservations for uploads.
#include "adapters/redis/connection_pool.hpp"
#include "adapters/redis/state_parts.hpp"
#include "adapters/redis/upload_scripts.hpp"
#include "ports/stored_json.hpp"

namespace tessera::redis {
namespace {

constexpr std::size_t max_connections = 4;

TimePoint time_of(const Reply& text) { return from_ms(stored_integer(text.text, "a time of an upload")); }

Script with_functions(std::string_view script) {
  return Script(std::string(upload_functions) + std::string(script));
}

class RedisUploadLedger final : public UploadLedger {
 public:
  RedisUploadLedger(const Address& address, const StateOptions& options)
      : now_(options.now), pool_(address, max_connections) {}

  Reserved reserve(const UploadReservation& reservation, const UploadLimits& limits) override {
    const Reply reply =
        run(reserve_upload_, {ms(now_()), reservation.object, reservation.owner, ms(reservation.link_expires),
                              ms(reservation.expires), std::to_string(limits.max_reservations),
                              std::to_string(limits.max_bytes)});
    return {reply.list.at(0).integer == 1, {reply.list.at(1).integer, reply.list.at(2).integer}};
  }

  SizeUpdate record_size(const std::string& object, std::int64_t size_bytes,
                         std::int64_t max_bytes) override {
    const Reply reply =
        run(record_upload_size_, {object, std::to_string(size_bytes), std::to_string(max_bytes)});
    return reply.integer == 1   ? SizeUpdate::recorded
           : reply.integer == 0 ? SizeUpdate::over_limit
                                : SizeUpdate::not_found;
  }

  std::vector<UploadReservation> claim_unmeasured(TimePoint claimed_before, int limit) override {
    std::vector<UploadReservation> reservations;
    for (const Reply& reservation :
         run(claim_unmeasured_, {ms(now_()), ms(claimed_before), std::to_string(limit)}).list) {
      reservations.push_back({reservation.list.at(0).text, reservation.list.at(1).text,
                              time_of(reservation.list.at(2)), time_of(reservation.list.at(3))});
    }
    return reservations;
  }

  void release(const std::vector<std::string>& objects) override {
    if (!objects.empty()) {
      run(release_uploads_, objects);
    }
  }

  UploadUsage usage_of(const std::string& owner) override {
    const Reply reply = run(upload_usage_, {ms(now_()), owner});
    return {reply.list.at(0).integer, reply.list.at(1).integer};
  }

 private:
  Reply run(const Script& script, const std::vector<std::string>& arguments) {
    return pool_.ask([&](Connection& connection) { return connection.script(script, arguments); });
  }

  Clock now_;
  ConnectionPool pool_;
  const Script reserve_upload_ = with_functions(reserve_upload_script);
  const Script record_upload_size_ = with_functions(record_upload_size_script);
  const Script claim_unmeasured_ = with_functions(claim_unmeasured_script);
  const Script release_uploads_ = with_functions(release_uploads_script);
  const Script upload_usage_ = with_functions(upload_usage_script);
};

}  // namespace

std::unique_ptr<UploadLedger> open_uploads(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisUploadLedger>(address, options);
}

}  // namespace tessera::redis
