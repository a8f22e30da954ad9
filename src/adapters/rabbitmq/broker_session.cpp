#include "adapters/rabbitmq/broker_session.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "adapters/rabbitmq/properties.hpp"
#include "core/error.hpp"

namespace tessera {
namespace {

// Channels of the publisher.
constexpr amqp_channel_t publishing = 1;
constexpr amqp_channel_t waking = 2;
// Channels of the taker.
constexpr amqp_channel_t taking = 1;
constexpr amqp_channel_t listening = 2;

constexpr std::chrono::milliseconds look_interval{500};
// rabbitmq-c sends and checks heartbeats when it is called.
constexpr int calls_per_heartbeat = 4;

}  // namespace

BrokerSession::BrokerSession(const BrokerAddress& address, const BrokerNames& names, int delivery_limit,
                             BrokerState& state)
    : names_(names),
      state_(state),
      longest_wait_(std::chrono::milliseconds(address.heartbeat) / calls_per_heartbeat),
      publisher_(address),
      taker_(address) {
  publisher_.open_channel(publishing);
  publisher_.open_channel(waking);
  taker_.open_channel(taking);
  taker_.open_channel(listening);
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
  ++state_.epoch;
  state_.endings.clear();
  // In their order, before those that were not sent yet.
  std::for_each(unconfirmed_.rbegin(), unconfirmed_.rend(),
                [&](const auto& unconfirmed) { state_.outbox.push_front(unconfirmed.second); });
  std::erase_if(state_.outbox, [](const std::shared_ptr<Publication>& publication) {
    if (publication->aside_of) {
      publication->end = Publication::End::connection_lost;
    }
    return publication->abandoned || publication->aside_of;
  });
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
  taker_.close();
  if (!blocked()) {  // else it would not hear of it
    publisher_.close();
  }
}

bool BrokerSession::read_frames() {
  bool any = false;
  for (BrokerConnection* const connection : {&publisher_, &taker_}) {
    while (const auto frame = connection->frame(std::chrono::milliseconds(0))) {
      handle(*frame, connection == &publisher_);
      any = true;
    }
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
      taker_.fail("keep waking us up", "it cancelled our consumer");
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
    if (!publication.aside_of) {
      wake = wake || arrived;
    } else if (awaited && arrived) {
      taker_.acknowledge(taking, *publication.aside_of);
    } else if (awaited) {
      taker_.give_back(taking, *publication.aside_of);
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
    if (ending.give_back) {
      taker_.give_back(taking, ending.broker_tag);
    } else {
      taker_.acknowledge(taking, ending.broker_tag);
    }
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
  depth.waiting = taker_.count(listening, names_.interactive) + taker_.count(listening, names_.bulk);
  depth.dead = taker_.count(listening, names_.dead);
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
      taker_.listen_for_wake_ups(listening, names_);
      listening_ = true;
    }
    hungry_ = false;
    std::optional<BrokerMessage> message = taker_.get(taking, names_.interactive);
    if (!message) {
      message = taker_.get(taking, names_.bulk);
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
    deliver(*claim, *message);
  }
}

void BrokerSession::deliver(Claim& claim, const BrokerMessage& message) {
  const auto decoded = decode_message(message.body);
  if (!decoded) {
    set_aside_unreadable(claim, message);
    return;
  }
  const std::lock_guard guard(state_.mutex);
  const std::uint64_t tag = state_.next_tag++;
  const int attempt = message.returns + 1;
  state_.taken.emplace(
      tag, TakenMessage{
               .epoch = state_.epoch, .broker_tag = message.tag, .attempt = attempt, .body = message.body});
  claim.delivery = Delivery{.message = *decoded, .attempt = attempt, .tag = tag};
  claim.stage = Claim::Stage::done;
  state_.changed.notify_all();
}

void BrokerSession::set_aside_unreadable(Claim& claim, const BrokerMessage& message) {
  auto publication = std::make_shared<Publication>();
  publication->queue = names_.dead;
  publication->message = message;
  publication->message.reason = "This message is none of Tessera's: nobody can tell which job it is for.";
  publication->message.attempts = message.returns + 1;
  publication->message.dead_since = system_now();
  publication->aside_of = message.tag;
  const std::lock_guard guard(state_.mutex);
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
  std::array<pollfd, 3> descriptors{pollfd{publisher_.descriptor(), POLLIN, 0},
                                    pollfd{taker_.descriptor(), POLLIN, 0},
                                    pollfd{state_.wake_up, POLLIN, 0}};
  ::poll(descriptors.data(), descriptors.size(), static_cast<int>(timeout.count()));
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(state_.wake_up, &count));
}

}  // namespace tessera
