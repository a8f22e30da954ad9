// SPDX-License-Identifier: Apache-2.0
// Tokens and the node registry.
#include "adapters/sqlite/state_parts.hpp"
#include "ports/stored_json.hpp"

namespace tessera::sqlite_state {
namespace {

constexpr std::int64_t never = 0;

class SqliteTokenStore final : public TokenStore {
 public:
  explicit SqliteTokenStore(const Shared& shared) : database_(shared.path) {}

  void put(const Token& token) override {
    const std::lock_guard guard(mutex_);
    SqliteStatement(database_, "INSERT OR REPLACE INTO state_tokens VALUES(?,?,?,?,?)", token.hash,
                    token.owner, std::int64_t{token.scopes}, to_ms(token.created),
                    token.expires ? to_ms(*token.expires) : never)
        .run();
  }
  std::optional<Token> find(const std::string& hash) override {
    const std::lock_guard guard(mutex_);
    SqliteStatement row(
        database_, "SELECT hash, owner, scopes, created_ms, expires_ms FROM state_tokens WHERE hash=?", hash);
    return row.step() ? std::optional(read(row)) : std::nullopt;
  }
  std::vector<Token> list() override {
    const std::lock_guard guard(mutex_);
    SqliteStatement row(
        database_,
        "SELECT hash, owner, scopes, created_ms, expires_ms FROM state_tokens ORDER BY created_ms, hash");
    std::vector<Token> tokens;
    while (row.step()) {
      tokens.push_back(read(row));
    }
    return tokens;
  }
  bool remove(const std::string& hash) override {
    const std::lock_guard guard(mutex_);
    SqliteStatement(database_, "DELETE FROM state_tokens WHERE hash=?", hash).run();
    return database_.changes() > 0;
  }

 private:
  static Token read(const SqliteStatement& row) {
    Token token{row.text(0), row.text(1), static_cast<int>(row.integer(2)), from_ms(row.integer(3)), {}};
    if (row.integer(4) != never) {
      token.expires = from_ms(row.integer(4));
    }
    return token;
  }
  std::mutex mutex_;
  SqliteDatabase database_;
};

class SqliteNodeRegistry final : public NodeRegistry {
 public:
  explicit SqliteNodeRegistry(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), database_(shared_->path) {}

  void announce(const NodeInfo& node, std::chrono::milliseconds lifetime) override {
    const std::lock_guard guard(mutex_);
    const std::int64_t now = to_ms(shared_->options.now());
    SqliteTransaction transaction(database_);
    SqliteStatement(database_, "DELETE FROM state_nodes WHERE expires_ms<?", now).run();
    SqliteStatement(database_, "INSERT OR REPLACE INTO state_nodes VALUES(?,?,?,?,?,?)", node.id, node.host,
                    node.version, stored_text(node.details), now, now + lifetime.count())
        .run();
    transaction.commit();
  }
  void withdraw(const std::string& node_id) override {
    const std::lock_guard guard(mutex_);
    SqliteStatement(database_, "DELETE FROM state_nodes WHERE id=?", node_id).run();
  }
  std::vector<NodeInfo> list() override {
    const std::lock_guard guard(mutex_);
    SqliteStatement row(
        database_,
        "SELECT id, host, version, details, seen_ms FROM state_nodes WHERE expires_ms>=? ORDER BY id",
        to_ms(shared_->options.now()));
    std::vector<NodeInfo> nodes;
    while (row.step()) {
      NodeInfo node{row.text(0), row.text(1), row.text(2), Json::object(), from_ms(row.integer(4))};
      try {
        const Json record{{"details", parse_stored(row.text(3), "the details of a node")}};
        node.details = StoredFields(record, "the record of a node").object("details", Json::object());
      } catch (const Unreadable&) {
        // A node of another version: its details are unknown.
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

 private:
  std::shared_ptr<Shared> shared_;
  std::mutex mutex_;
  SqliteDatabase database_;
};

}  // namespace

std::unique_ptr<TokenStore> open_tokens(const std::shared_ptr<Shared>& shared) {
  return std::make_unique<SqliteTokenStore>(*shared);
}

std::unique_ptr<NodeRegistry> open_nodes(std::shared_ptr<Shared> shared) {
  return std::make_unique<SqliteNodeRegistry>(std::move(shared));
}

}  // namespace tessera::sqlite_state
