// Uploads that no job uses yet.
#include "adapters/redis/connection_pool.hpp"
#include "adapters/redis/state_parts.hpp"
#include "adapters/redis/upload_scripts.hpp"
#include "ports/stored_json.hpp"

namespace tessera::redis {
namespace {

constexpr std::size_t most_connections = 4;

TimePoint time_of(const Reply& text) { return from_ms(stored_integer(text.text, "a time of an upload")); }

Script with_functions(std::string_view script) {
  return Script(std::string(upload_functions) + std::string(script));
}

class RedisUploadLedger final : public UploadLedger {
 public:
  RedisUploadLedger(const Address& address, const StateOptions& options)
      : now_(options.now), pool_(address, most_connections) {}

  Entered enter(const UploadPlace& place, const UploadLimits& limits) override {
    const Reply reply =
        run(enter_upload_, {ms(now_()), place.object, place.owner, ms(place.link_expires), ms(place.expires),
                            std::to_string(limits.max_places), std::to_string(limits.max_bytes)});
    return {reply.list.at(0).integer == 1, {reply.list.at(1).integer, reply.list.at(2).integer}};
  }

  Measured measure(const std::string& object, std::int64_t size_bytes, std::int64_t max_bytes) override {
    const Reply reply = run(measure_upload_, {object, std::to_string(size_bytes), std::to_string(max_bytes)});
    return reply.integer == 1   ? Measured::noted
           : reply.integer == 0 ? Measured::too_much
                                : Measured::not_here;
  }

  std::vector<UploadPlace> take_unmeasured(TimePoint taken_before, int limit) override {
    std::vector<UploadPlace> places;
    for (const Reply& place :
         run(take_unmeasured_, {ms(now_()), ms(taken_before), std::to_string(limit)}).list) {
      places.push_back({place.list.at(0).text, place.list.at(1).text, time_of(place.list.at(2)),
                        time_of(place.list.at(3))});
    }
    return places;
  }

  void release(const std::vector<std::string>& objects) override {
    if (!objects.empty()) {
      run(release_uploads_, objects);
    }
  }

  UploadUse use_of(const std::string& owner) override {
    const Reply reply = run(upload_use_, {ms(now_()), owner});
    return {reply.list.at(0).integer, reply.list.at(1).integer};
  }

 private:
  Reply run(const Script& script, const std::vector<std::string>& arguments) {
    return pool_.ask([&](Connection& connection) { return connection.script(script, arguments); });
  }

  Clock now_;
  ConnectionPool pool_;
  const Script enter_upload_ = with_functions(enter_upload_script);
  const Script measure_upload_ = with_functions(measure_upload_script);
  const Script take_unmeasured_ = with_functions(take_unmeasured_script);
  const Script release_uploads_ = with_functions(release_uploads_script);
  const Script upload_use_ = with_functions(upload_use_script);
};

}  // namespace

std::unique_ptr<UploadLedger> open_uploads(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisUploadLedger>(address, options);
}

}  // namespace tessera::redis
