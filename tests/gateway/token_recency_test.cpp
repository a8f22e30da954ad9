// SPDX-License-Identifier: Apache-2.0
// What the store says of a token is used for a moment, and not longer. Over a real store that counts how often it is
// asked; the time is the test's.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "adapters/sqlite/state_store.hpp"
#include "servers/server_process.hpp"
#include "service/access.hpp"
#include "support/errors.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

class CountingTokens final : public TokenStore {
 public:
  explicit CountingTokens(TokenStore& store) : store_(store) {}
  void put(const Token& token) override { store_.put(token); }
  std::optional<Token> find(const std::string& hash) override {
    ++asked;
    if (unavailable) {
      throw Error(ErrorCode::unavailable, "The store does not answer.");
    }
    return store_.find(hash);
  }
  std::vector<Token> list() override { return store_.list(); }
  bool remove(const std::string& hash) override { return store_.remove(hash); }

  std::atomic<int> asked = 0;
  std::atomic<bool> unavailable = false;

 private:
  TokenStore& store_;
};

class TokenRecency : public ::testing::Test {
 protected:
  std::string add(const std::string& owner, std::optional<TimePoint> expires = {}) {
    std::string secret = new_token();
    tokens.put({token_hash(secret), owner, static_cast<int>(Scope::read), system_now(), expires});
    return secret;
  }
  static http::Request request(const std::string& secret) {
    http::Request made;
    made.headers.emplace_back("Authorization", "Bearer " + secret);
    return made;
  }
  std::string owner(const std::string& secret) { return access.check(request(secret), Scope::read).owner; }
  std::optional<ErrorCode> refusal(const std::string& secret) {
    return testing::code_of([&] { static_cast<void>(owner(secret)); });
  }
  RecentOptions recency() {
    return {.lifetime = 1s, .max_values = 3, .now = [this] {
              return std::chrono::steady_clock::time_point(passed.load());
            }};
  }

  testing::ServerFolder folder;
  StateStore state = open_sqlite_state_store(folder.path() / "state.db", {});
  CountingTokens tokens{*state.tokens};
  const TimePoint start = system_now();
  std::atomic<std::chrono::milliseconds> passed{0ms};  ///< since the start
  Access access{tokens, Authentication::required, [this] { return start + passed.load(); }, recency()};
};

TEST_F(TokenRecency, TheStoreIsAskedOnceForManyRequests) {
  const std::string ann = add("ann");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(owner(ann), "ann");
  }
  EXPECT_EQ(tokens.asked, 1);
}

TEST_F(TokenRecency, ARevokedTokenIsRefusedAfterTheLifetimeAtTheLatest) {
  const std::string ann = add("ann");
  const Caller caller = access.check(request(ann), Scope::read);
  const std::string signature = access.sign_subject(caller, "photo", start + 1h);
  static_cast<void>(access.check_subject("photo", signature));
  EXPECT_TRUE(access.known_signer("photo", signature).has_value());
  EXPECT_FALSE(access.known_signer("another", signature).has_value());
  EXPECT_FALSE(access.known_signer("photo", "").has_value());
  const std::string expired = access.sign_subject(caller, "photo", start - 1s);
  EXPECT_FALSE(access.known_signer("photo", expired).has_value());
  ASSERT_TRUE(tokens.remove(token_hash(ann)));
  passed = 1000ms;
  EXPECT_FALSE(access.known_signer("photo", signature).has_value());
  EXPECT_EQ(testing::code_of([&] { static_cast<void>(access.check_subject("photo", signature)); }),
            ErrorCode::forbidden);
  EXPECT_EQ(refusal(ann), ErrorCode::unauthorized);
  EXPECT_FALSE(access.is_still_valid(caller));
}

TEST_F(TokenRecency, ARevokedTokenThatIsAskedForAllTheTimeIsRefusedToo) {
  const std::string ann = add("ann");
  EXPECT_EQ(owner(ann), "ann");
  ASSERT_TRUE(tokens.remove(token_hash(ann)));
  int accepted = 0;
  for (; passed.load() < 3s; passed = passed.load() + 10ms) {
    accepted += refusal(ann) ? 0 : 1;
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LE(accepted, 100) << "more than in one second, at one check every 10 ms";
  EXPECT_EQ(refusal(ann), ErrorCode::unauthorized);
}

TEST_F(TokenRecency, AnExpiredTokenIsRefusedAtOnce) {
  const std::string ann = add("ann", start + 400ms);
  EXPECT_EQ(owner(ann), "ann");
  passed = 400ms;
  EXPECT_EQ(refusal(ann), ErrorCode::unauthorized);
  EXPECT_EQ(tokens.asked, 1) << "what the store said first tells when it expires";
}

TEST_F(TokenRecency, WhatIsNoTokenIsNeitherKeptNorAcceptedWhenItIsKnownNow) {
  const std::string late = new_token();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(refusal(late), ErrorCode::unauthorized);
  }
  EXPECT_EQ(tokens.asked, 10);
  tokens.put({token_hash(late), "ann", static_cast<int>(Scope::read), system_now(), {}});
  EXPECT_EQ(owner(late), "ann");
}

TEST_F(TokenRecency, MoreTokensThanAreKeptAreAcceptedAllTheSame) {
  std::vector<std::string> secrets;
  for (int i = 0; i < 20; ++i) {
    secrets.push_back(add(fmt::format("owner-{}", i)));
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < secrets.size(); ++i) {
      EXPECT_EQ(owner(secrets[i]), fmt::format("owner-{}", i));
    }
  }
  // Three are kept, so that each is asked for again in each round.
  EXPECT_EQ(tokens.asked, 60);
}

TEST_F(TokenRecency, AStoreThatDoesNotAnswerIsNoticedAfterTheLifetime) {
  const std::string ann = add("ann");
  EXPECT_EQ(owner(ann), "ann");
  tokens.unavailable = true;
  EXPECT_EQ(owner(ann), "ann");
  passed = 1000ms;
  EXPECT_EQ(refusal(ann), ErrorCode::unavailable);
  tokens.unavailable = false;
  EXPECT_EQ(owner(ann), "ann");
}

TEST_F(TokenRecency, ManyThreadsSeeARevocation) {
  constexpr int threads = 8;
  const std::string ann = add("ann");
  const std::string bob = add("bob");
  std::latch ready(threads);
  std::atomic<bool> removed = false;
  std::atomic<int> seen = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      EXPECT_EQ(owner(ann), "ann");
      ready.count_down();
      removed.wait(false);
      for (int check = 0; check < 500; ++check) {
        wrong += refusal(ann) == ErrorCode::unauthorized ? 0 : 1;
        wrong += owner(bob) == "bob" ? 0 : 1;
        passed = passed.load() + 1ms;
      }
      ++seen;
    });
  }
  ready.wait();
  EXPECT_TRUE(tokens.remove(token_hash(ann)));
  passed = passed.load() + 1000ms;
  removed = true;
  removed.notify_all();
  running.clear();
  EXPECT_EQ(seen, threads);
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tessera::service
