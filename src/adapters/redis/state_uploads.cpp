// Uploads that no job uses yet.
#include <mutex>

#include "adapters/redis/state_parts.hpp"
#include "adapters/redis/upload_scripts.hpp"

namespace tessera::redis {
namespace {

TimePoint time_of(const Reply& text) { return from_ms(std::stoll(text.text)); }

class RedisUploadLedger final : public UploadLedger {
 public:
  RedisUploadLedger(const Address& address, const StateOptions& options)
      : now_(options.now), connection_(address) {}

  Entered enter(const UploadPlace& place, const UploadLimits& limits) override {
    const Reply reply = run(enter_upload_script,
                            {ms(now_()), place.object, place.owner, ms(place.link_expires), ms(place.expires),
                             std::to_string(limits.max_places), std::to_string(limits.max_bytes)});
    return {reply.list.at(0).integer == 1, {reply.list.at(1).integer, reply.list.at(2).integer}};
  }

  Measured measure(const std::string& object, std::int64_t size_bytes, std::int64_t max_bytes) override {
    const Reply reply =
        run(measure_upload_script, {object, std::to_string(size_bytes), std::to_string(max_bytes)});
    return reply.integer == 1   ? Measured::noted
           : reply.integer == 0 ? Measured::too_much
                                : Measured::not_here;
  }

  std::vector<UploadPlace> take_unmeasured(TimePoint taken_before, int limit) override {
    std::vector<UploadPlace> places;
    for (const Reply& place :
         run(take_unmeasured_script, {ms(now_()), ms(taken_before), std::to_string(limit)}).list) {
      places.push_back({place.list.at(0).text, place.list.at(1).text, time_of(place.list.at(2)),
                        time_of(place.list.at(3))});
    }
    return places;
  }

  void release(const std::vector<std::string>& objects) override {
    if (!objects.empty()) {
      run(release_uploads_script, objects);
    }
  }

  UploadUse use_of(const std::string& owner) override {
    const Reply reply = run(upload_use_script, {ms(now_()), owner});
    return {reply.list.at(0).integer, reply.list.at(1).integer};
  }

 private:
  Reply run(std::string_view script, const std::vector<std::string>& arguments) {
    const std::string whole = std::string(upload_functions) + std::string(script);
    const std::lock_guard guard(mutex_);
    Reply reply;
    connection_.with_patience([&] { reply = connection_.script(whole, arguments); });
    return reply;
  }

  Clock now_;
  std::mutex mutex_;
  Connection connection_;
};

}  // namespace

std::unique_ptr<UploadLedger> open_uploads(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisUploadLedger>(address, options);
}

}  // namespace tessera::redis
