#include "adapters/rabbitmq/broker_session.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "adapters/rabbitmq/properties.hpp"
#include "base/error.hpp"

namespace tessera {
namespace {

// Channels of the publisher.
constexpr amqp_channel_t publishing = 1;
constexpr amqp_channel_t waking = 2;
// The channel of a lane.
constexpr amqp_channel_t taking = 1;
// The channel of the watcher.
constexpr amqp_channel_t listening = 1;
constexpr std::chrono::milliseconds first_lane_pause{500};
constexpr std::chrono::milliseconds longest_lane_pause{60'000};

constexpr std::chrono::milliseconds look_interval{500};
// rabbitmq-c sends and checks heartbeats when it is called.
constexpr int calls_per_heartbeat = 4;

}  // namespace

BrokerSession::BrokerSession(const BrokerAddress& address, const BrokerNames& names, int delivery_limit,
                             BrokerState& state)
    : names_(names),
      state_(state),
      delivery_limit_(delivery_limit),
      longest_wait_(std::chrono::milliseconds(address.heartbeat) / calls_per_heartbeat),
      address_(address),
      publisher_(address),
      watcher_(address) {
  publisher_.open_channel(publishing);
  publisher_.open_channel(waking);
  watcher_.open_channel(listening);
  publisher_.declare(publishing, names_, delivery_limit);
  publisher_.confirm_publishing(publishing);
  const std::lock_guard guard(state_.mutex);
  state_.connected = true;
  state_.blocked.clear();
  state_.changed.notify_all();
}

BrokerSession::~BrokerSession() {
  const std::lock_guard guard(state_.mutex);
  state_.connected = false;
  state_.endings.clear();
  // In their order, before those that were not sent yet.
  std::for_each(unconfirmed_.rbegin(), unconfirmed_.rend(),
                [&](const auto& unconfirmed) { state_.outbox.push_front(unconfirmed.second); });
  for (const Lane& lane : lanes_) {
    state_.close_lane(lane.priority);
  }
  std::erase_if(state_.outbox, [](const auto& publication) { return publication->abandoned; });
  for (Claim* const claim : state_.claims) {
    if (claim->stage == Claim::Stage::fetching) {
      claim->stage = Claim::Stage::waiting;
    }
  }
  state_.changed.notify_all();
}

void BrokerSession::serve() {
  while (do_work()) {
    look_for_messages();
    if (!read_frames()) {
      wait();
    }
  }
  for (Lane& lane : lanes_) {
    if (lane.connection) {
      attempt(lane, [&] { lane.connection->close(); });
    }
  }
  watcher_.close();
  if (!blocked()) {  // else it would not hear of it
    publisher_.close();
  }
}

bool BrokerSession::read_frames() {
  bool any = false;
  for (BrokerConnection* const connection : {&publisher_, &watcher_}) {
    while (const auto frame = connection->frame(std::chrono::milliseconds(0))) {
      handle(*frame, connection == &publisher_);
      any = true;
    }
  }
  // Nothing comes on a lane that was not asked for, but heartbeats and the news that it is closed.
  for (Lane& lane : lanes_) {
    attempt(lane, [&] {
      while (lane.connection && lane.connection->frame(std::chrono::milliseconds(0))) {
        any = true;
      }
    });
  }
  return any;
}

void BrokerSession::handle(const amqp_frame_t& frame, bool from_publisher) {
  if (frame.frame_type == AMQP_FRAME_HEADER && from_publisher) {
    // Only returned messages come to a publisher; the broker confirms them next.
    const auto& properties = *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    const std::string id = amqp_text(properties.message_id);
    for (const auto& [sequence, publication] : unconfirmed_) {
      publication->returned = publication->returned || publication->message.id == id;
    }
  }
  if (frame.frame_type != AMQP_FRAME_METHOD) {
    return;
  }
  const void* const method = frame.payload.method.decoded;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<const amqp_basic_ack_t*>(method);
      settle(ack.delivery_tag, ack.multiple != 0, true);
      break;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<const amqp_basic_nack_t*>(method);
      settle(nack.delivery_tag, nack.multiple != 0, false);
      break;
    }
    case AMQP_BASIC_DELIVER_METHOD:  // a wake-up; it has no content
      hungry_ = true;
      break;
    case AMQP_BASIC_CANCEL_METHOD:
      watcher_.fail("keep waking us up", "it cancelled our consumer");
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto& blocked = *static_cast<const amqp_connection_blocked_t*>(method);
      const std::lock_guard guard(state_.mutex);
      state_.blocked = blocked.reason.len == 0 ? "it gives no reason" : amqp_text(blocked.reason);
      break;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD: {
      const std::lock_guard guard(state_.mutex);
      state_.blocked.clear();
      break;
    }
    default:
      break;
  }
}

void BrokerSession::settle(std::uint64_t last, bool multiple, bool confirmed) {
  const auto end_of_range = unconfirmed_.upper_bound(last);
  auto current = multiple ? unconfirmed_.begin() : unconfirmed_.find(last);
  bool wake = false;
  std::string missing;
  while (current != end_of_range && current != unconfirmed_.end()) {
    Publication& publication = *current->second;
    const bool arrived = confirmed && !publication.returned;
    const bool awaited = end(publication, arrived ? Publication::End::confirmed : Publication::End::refused);
    wake = wake || (arrived && (!publication.copy_of || publication.postpones));
    if (publication.copy_of && awaited && (arrived || !publication.postpones)) {
      end_delivery(*publication.copy_of, !arrived);
    }
    if (publication.returned) {
      missing = publication.queue;
    }
    current = unconfirmed_.erase(current);
  }
  if (wake) {
    wake_takers();
  }
  if (!missing.empty()) {
    // The next connection makes it again.
    publisher_.fail("keep our queues", "somebody removed '" + missing + "'");
  }
}

bool BrokerSession::end(Publication& publication, Publication::End end) {
  const std::lock_guard guard(state_.mutex);
  if (publication.abandoned) {
    return false;
  }
  publication.end = end;
  state_.changed.notify_all();
  return true;
}

bool BrokerSession::blocked() const {
  const std::lock_guard guard(state_.mutex);
  return !state_.blocked.empty();
}

void BrokerSession::wake_takers() {
  if (!blocked()) {
    publisher_.wake(waking, names_);
  }
}

bool BrokerSession::do_work() {
  std::deque<Ending> endings;
  std::deque<std::shared_ptr<Publication>> outbox;
  std::deque<std::shared_ptr<DepthRequest>> depth_requests;
  bool closing = false;
  {
    const std::lock_guard guard(state_.mutex);
    endings.swap(state_.endings);
    // A broker that has blocked us reads nothing more: what it is not sent can still be abandoned.
    if (state_.blocked.empty()) {
      outbox.swap(state_.outbox);
    }
    depth_requests.swap(state_.depth_requests);
    closing = state_.closing;
    hungry_ = hungry_ || std::exchange(state_.new_claims, false);
    std::erase_if(outbox, [](const auto& publication) { return publication->abandoned; });
  }
  for (const Ending& ending : endings) {
    end_delivery(ending.delivery, ending.give_back);
  }
  // All are ours from here on, so that none is lost if the connection fails on the first.
  const std::uint64_t first = published_ + 1;
  for (const auto& publication : outbox) {
    unconfirmed_.emplace(++published_, publication);
  }
  for (std::uint64_t sequence = first; sequence <= published_; ++sequence) {
    const Publication& publication = *unconfirmed_.at(sequence);
    publisher_.publish(publishing, publication.queue, publication.message);
  }
  if (std::ranges::any_of(endings, &Ending::give_back)) {
    wake_takers();
  }
  for (const auto& request : depth_requests) {
    answer(request);
  }
  return !closing;
}

void BrokerSession::answer(const std::shared_ptr<DepthRequest>& request) {
  QueueDepth depth;
  depth.waiting = watcher_.count(listening, names_.interactive) + watcher_.count(listening, names_.bulk);
  depth.dead = watcher_.count(listening, names_.dead);
  const std::lock_guard guard(state_.mutex);
  depth.taken = state_.count_taken();
  request->depth = depth;
  request->done = true;
  state_.changed.notify_all();
}

Claim* BrokerSession::next_claim() {
  const std::lock_guard guard(state_.mutex);
  state_.new_claims = false;
  const auto claim = std::ranges::find(state_.claims, Claim::Stage::waiting, &Claim::stage);
  if (claim == state_.claims.end() || state_.closing) {
    return nullptr;
  }
  (*claim)->stage = Claim::Stage::fetching;
  return *claim;
}

void BrokerSession::look_for_messages() {
  if (!hungry_ && std::chrono::steady_clock::now() < next_look_) {
    return;
  }
  while (Claim* const claim = next_claim()) {
    if (!listening_) {
      watcher_.listen_for_wake_ups(listening, names_);
      listening_ = true;
    }
    hungry_ = false;
    std::optional<BrokerMessage> message;
    Lane* from = nullptr;
    for (Lane& lane : lanes_) {
      if (!message) {
        from = &lane;
        message = get(lane);
      }
    }
    if (!message) {
      next_look_ = std::chrono::steady_clock::now() + look_interval;
      const std::lock_guard guard(state_.mutex);
      claim->stage = Claim::Stage::waiting;
      hungry_ = state_.new_claims;  // those that came meanwhile have not been looked for
      for (Claim* const waiting : state_.claims) {
        waiting->looked = waiting->looked || !hungry_;
      }
      state_.changed.notify_all();
      return;
    }
    deliver(*claim, *from, *message);
  }
}

template <class Action>
void BrokerSession::attempt(Lane& lane, Action action) {
  try {
    action();
  } catch (const Error&) {
    lose(lane);
  }
}

void BrokerSession::lose(Lane& lane) {
  constexpr int most_doublings = 10;
  lane.connection.reset();
  lane.again =
      std::chrono::steady_clock::now() +
      std::min(longest_lane_pause, first_lane_pause * (1 << std::min(lane.failures, most_doublings)));
  ++lane.failures;
  const std::lock_guard guard(state_.mutex);
  state_.close_lane(lane.priority);
  for (const auto& [sequence, publication] : unconfirmed_) {
    if (publication->copy_of && publication->copy_of->lane == lane.priority) {
      publication->end = Publication::End::connection_lost;
    }
  }
}

std::optional<BrokerMessage> BrokerSession::get(Lane& lane) {
  std::optional<BrokerMessage> message;
  attempt(lane, [&] {
    if (!lane.connection && std::chrono::steady_clock::now() >= lane.again) {
      lane.connection = std::make_unique<BrokerConnection>(address_);
      lane.connection->open_channel(taking);
    }
    if (lane.connection) {
      message = lane.connection->get(taking, names_.of(lane.priority));
      lane.failures = 0;
    }
  });
  return message;
}

void BrokerSession::end_delivery(const BrokerDelivery& delivery, bool give_back) {
  {
    const std::lock_guard guard(state_.mutex);
    if (!state_.is_open(delivery)) {
      return;
    }
  }
  Lane& lane = lane_of(delivery);
  attempt(lane, [&] {
    if (give_back) {
      lane.connection->give_back(taking, delivery.broker_tag);
    } else {
      lane.connection->acknowledge(taking, delivery.broker_tag);
    }
  });
}

/// Under the state's mutex.
BrokerDelivery BrokerSession::delivery_of(const Lane& lane, const BrokerMessage& message) {
  return {lane.priority, state_.epochs.at(static_cast<std::size_t>(lane.priority)), message.tag};
}

void BrokerSession::deliver(Claim& claim, const Lane& lane, const BrokerMessage& message) {
  const auto decoded = decode_message(message.body);
  if (!decoded) {
    set_aside(claim, lane, message,
              "This message is none of Tessera's: nobody can tell which job it is for.");
    return;
  }
  const int attempt = message.earlier_attempts + message.returns + 1;
  if (attempt > delivery_limit_) {
    // The broker counts from the last postponement on.
    set_aside(claim, lane, message,
              fmt::format("Taken {} times without success, which is the limit.", delivery_limit_));
    return;
  }
  const std::lock_guard guard(state_.mutex);
  const std::uint64_t tag = state_.next_tag++;
  state_.taken.emplace(tag, TakenMessage{.delivery = delivery_of(lane, message),
                                         .attempt = attempt,
                                         .body = message.body,
                                         .postponement = nullptr});
  claim.delivery = Delivery{.message = *decoded, .attempt = attempt, .tag = tag};
  claim.stage = Claim::Stage::done;
  state_.changed.notify_all();
}

void BrokerSession::set_aside(Claim& claim, const Lane& lane, const BrokerMessage& message,
                              const std::string& reason) {
  auto publication = std::make_shared<Publication>();
  publication->queue = names_.dead;
  publication->message = message;
  publication->message.reason = reason;
  publication->message.attempts = std::min(message.earlier_attempts + message.returns + 1, delivery_limit_);
  publication->message.dead_since = system_now();
  const std::lock_guard guard(state_.mutex);
  publication->copy_of = delivery_of(lane, message);
  state_.outbox.push_back(publication);
  state_.signal();
  claim.stage = Claim::Stage::waiting;
}

void BrokerSession::wait() const {
  auto timeout = longest_wait_;
  {
    const std::lock_guard guard(state_.mutex);
    if (!state_.claims.empty()) {
      timeout = std::clamp(
          std::chrono::ceil<std::chrono::milliseconds>(next_look_ - std::chrono::steady_clock::now()),
          std::chrono::milliseconds(0), timeout);
    }
  }
  const auto lane = [](const Lane& each) {
    return pollfd{each.connection ? each.connection->descriptor() : -1, POLLIN, 0};
  };
  std::array<pollfd, 5> descriptors{pollfd{publisher_.descriptor(), POLLIN, 0},
                                    pollfd{watcher_.descriptor(), POLLIN, 0},
                                    pollfd{state_.wake_up, POLLIN, 0}, lane(lanes_[0]), lane(lanes_[1])};
  ::poll(descriptors.data(), descriptors.size(), static_cast<int>(timeout.count()));
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(state_.wake_up, &count));
}

}  // namespace tessera
