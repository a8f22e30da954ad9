// SPDX-License-Identifier: Apache-2.0
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
constexpr amqp_channel_t receiving = 1;
// The channel of the watcher.
constexpr amqp_channel_t listening = 1;
constexpr std::chrono::milliseconds first_lane_pause{500};
constexpr std::chrono::milliseconds max_lane_pause{60'000};

constexpr std::chrono::milliseconds poll_interval{500};
// rabbitmq-c sends and checks heartbeats only when it is called.
constexpr int calls_per_heartbeat = 4;

}  // namespace

BrokerSession::BrokerSession(const BrokerAddress& address, const BrokerNames& names, int delivery_limit,
                             BrokerState& state)
    : names_(names),
      state_(state),
      delivery_limit_(delivery_limit),
      max_wait_(std::chrono::milliseconds(address.heartbeat) / calls_per_heartbeat),
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
  state_.settlements.clear();
  // In order, before the publications that were not sent yet.
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
    poll_for_messages();
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
  if (!blocked()) {  // a blocked broker would not read the close
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
  // A lane receives nothing unrequested except heartbeats and a close.
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
    // A publisher's connection receives only returned messages; their confirmation follows.
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
      on_confirm(ack.delivery_tag, ack.multiple != 0, true);
      break;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<const amqp_basic_nack_t*>(method);
      on_confirm(nack.delivery_tag, nack.multiple != 0, false);
      break;
    }
    case AMQP_BASIC_DELIVER_METHOD:  // a wake-up; it has no content
      may_have_messages_ = true;
      break;
    case AMQP_BASIC_CANCEL_METHOD:
      watcher_.fail("keep sending wake-ups", "it cancelled our consumer");
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto& blocked = *static_cast<const amqp_connection_blocked_t*>(method);
      const std::lock_guard guard(state_.mutex);
      state_.blocked = blocked.reason.len == 0 ? "no reason given" : amqp_text(blocked.reason);
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

void BrokerSession::on_confirm(std::uint64_t last, bool multiple, bool confirmed) {
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
      settle_delivery(*publication.copy_of, !arrived);
    }
    if (publication.returned) {
      missing = publication.queue;
    }
    current = unconfirmed_.erase(current);
  }
  if (wake) {
    wake_consumers();
  }
  if (!missing.empty()) {
    // The next connection declares it again.
    publisher_.fail("keep our queues", "'" + missing + "' was removed");
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

void BrokerSession::wake_consumers() {
  if (!blocked()) {
    publisher_.wake(waking, names_);
  }
}

bool BrokerSession::do_work() {
  std::deque<Settlement> settlements;
  std::deque<std::shared_ptr<Publication>> outbox;
  std::deque<std::shared_ptr<DepthRequest>> depth_requests;
  bool closing = false;
  {
    const std::lock_guard guard(state_.mutex);
    settlements.swap(state_.settlements);
    // A broker that has blocked the connection reads nothing: what is not sent to it can still be abandoned.
    if (state_.blocked.empty()) {
      outbox.swap(state_.outbox);
    }
    depth_requests.swap(state_.depth_requests);
    closing = state_.closing;
    may_have_messages_ = may_have_messages_ || std::exchange(state_.new_claims, false);
    std::erase_if(outbox, [](const auto& publication) { return publication->abandoned; });
  }
  for (const Settlement& settlement : settlements) {
    settle_delivery(settlement.delivery, settlement.requeue);
  }
  // All are tracked as unconfirmed before sending, so that none is lost if the connection fails on the first.
  const std::uint64_t first = published_ + 1;
  for (const auto& publication : outbox) {
    unconfirmed_.emplace(++published_, publication);
  }
  for (std::uint64_t sequence = first; sequence <= published_; ++sequence) {
    const Publication& publication = *unconfirmed_.at(sequence);
    publisher_.publish(publishing, publication.queue, publication.message);
  }
  if (std::ranges::any_of(settlements, &Settlement::requeue)) {
    wake_consumers();
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
  depth.unacknowledged = state_.count_unacknowledged();
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

void BrokerSession::poll_for_messages() {
  if (!may_have_messages_ && std::chrono::steady_clock::now() < next_poll_) {
    return;
  }
  while (Claim* const claim = next_claim()) {
    if (!listening_) {
      watcher_.listen_for_wake_ups(listening, names_);
      listening_ = true;
    }
    may_have_messages_ = false;
    std::optional<BrokerMessage> message;
    Lane* from = nullptr;
    for (Lane& lane : lanes_) {
      if (!message) {
        from = &lane;
        message = get(lane);
      }
    }
    if (!message) {
      next_poll_ = std::chrono::steady_clock::now() + poll_interval;
      const std::lock_guard guard(state_.mutex);
      claim->stage = Claim::Stage::waiting;
      may_have_messages_ = state_.new_claims;  // claims that arrived meanwhile have not been served
      for (Claim* const waiting : state_.claims) {
        waiting->polled = waiting->polled || !may_have_messages_;
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
  constexpr int max_doublings = 10;
  lane.connection.reset();
  lane.again = std::chrono::steady_clock::now() +
               std::min(max_lane_pause, first_lane_pause * (1 << std::min(lane.failures, max_doublings)));
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
      lane.connection->open_channel(receiving);
    }
    if (lane.connection) {
      message = lane.connection->get(receiving, names_.of(lane.priority));
      lane.failures = 0;
    }
  });
  return message;
}

void BrokerSession::settle_delivery(const BrokerDelivery& delivery, bool requeue) {
  {
    const std::lock_guard guard(state_.mutex);
    if (!state_.is_open(delivery)) {
      return;
    }
  }
  Lane& lane = lane_of(delivery);
  attempt(lane, [&] {
    if (requeue) {
      lane.connection->requeue(receiving, delivery.broker_tag);
    } else {
      lane.connection->acknowledge(receiving, delivery.broker_tag);
    }
  });
}

/// Requires the state's mutex.
BrokerDelivery BrokerSession::delivery_of(const Lane& lane, const BrokerMessage& message) {
  return {lane.priority, state_.epochs.at(static_cast<std::size_t>(lane.priority)), message.tag};
}

void BrokerSession::deliver(Claim& claim, const Lane& lane, const BrokerMessage& message) {
  const auto decoded = decode_message(message.body);
  if (!decoded) {
    dead_letter(claim, lane, message, "This is not a Tessera message: its job is unknown.");
    return;
  }
  const int attempt = message.earlier_attempts + message.returns + 1;
  if (attempt > delivery_limit_) {
    // The broker's own count restarts with each postponement.
    dead_letter(claim, lane, message,
                fmt::format("Delivered {} times without success, which is the limit.", delivery_limit_));
    return;
  }
  const std::lock_guard guard(state_.mutex);
  const std::uint64_t tag = state_.next_tag++;
  state_.unacknowledged.emplace(tag, UnacknowledgedMessage{.delivery = delivery_of(lane, message),
                                                           .attempt = attempt,
                                                           .body = message.body,
                                                           .postponement = nullptr});
  claim.delivery = Delivery{.message = *decoded, .attempt = attempt, .tag = tag};
  claim.stage = Claim::Stage::done;
  state_.changed.notify_all();
}

void BrokerSession::dead_letter(Claim& claim, const Lane& lane, const BrokerMessage& message,
                                const std::string& reason) {
  auto publication = std::make_shared<Publication>();
  publication->queue = names_.dead;
  publication->message = message;
  publication->message.reason = reason;
  publication->message.attempts = std::min(message.earlier_attempts + message.returns + 1, delivery_limit_);
  publication->message.dead_lettered_at = system_now();
  const std::lock_guard guard(state_.mutex);
  publication->copy_of = delivery_of(lane, message);
  state_.outbox.push_back(publication);
  state_.signal();
  claim.stage = Claim::Stage::waiting;
}

void BrokerSession::wait() const {
  auto timeout = max_wait_;
  {
    const std::lock_guard guard(state_.mutex);
    if (!state_.claims.empty()) {
      timeout = std::clamp(
          std::chrono::ceil<std::chrono::milliseconds>(next_poll_ - std::chrono::steady_clock::now()),
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
