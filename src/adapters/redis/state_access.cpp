// SPDX-License-Identifier: Apache-2.0
// Tokens and the node registry.
#include <algorithm>
#include <optional>

#include "adapters/redis/connection_pool.hpp"
#include "adapters/redis/state_parts.hpp"
#include "ports/stored_json.hpp"

namespace tessera::redis {
namespace {

constexpr const char* tokens_key = "tessera:tokens";
constexpr const char* nodes_key = "tessera:nodes";
constexpr std::size_t max_connections = 4;

Json to_json(const Token& token) {
  Json json{{"v", stored_version},
            {"owner", token.owner},
            {"scopes", token.scopes},
            {"created_ms", to_ms(token.created)}};
  if (token.expires) {
    json["expires_ms"] = to_ms(*token.expires);
  }
  return json;
}

/// Nothing if the record cannot be read: the token is then invalid.
std::optional<Token> token_from(const std::string& hash, const std::string& text) {
  try {
    const Json json = parse_stored(text, "the record of a token");
    const StoredFields fields(json, "the record of a token");
    Token token{hash, fields.text("owner"), 0, from_ms(fields.integer("created_ms", 0)), {}};
    token.scopes = fields.small_integer("scopes", 0);
    if (fields.has("expires_ms")) {
      token.expires = from_ms(fields.integer("expires_ms"));
    }
    return token;
  } catch (const Unreadable&) {
    return std::nullopt;
  }
}

/// Reads as much as possible: the node is listed in any case.
NodeInfo node_from(const std::string& id, const std::string& text) {
  NodeInfo node{id, {}, {}, Json::object(), {}};
  try {
    const Json json = parse_stored(text, "the record of a node");
    const StoredFields fields(json, "the record of a node");
    node.host = fields.text("host", "");
    node.version = fields.text("version", "");
    node.seen = from_ms(fields.integer("seen_ms", 0));
    node.details = fields.object("details", Json::object());
  } catch (const Unreadable&) {
    // A node of another version.
  }
  return node;
}

class RedisTokenStore final : public TokenStore {
 public:
  explicit RedisTokenStore(const Address& address) : pool_(address, max_connections) {}

  void put(const Token& token) override {
    change({"HSET", tokens_key, token.hash, stored_text(to_json(token))});
  }
  std::optional<Token> find(const std::string& hash) override {
    const Reply reply = ask({"HGET", tokens_key, hash});
    return reply.empty() ? std::nullopt : token_from(hash, reply.text);
  }
  std::vector<Token> list() override {
    const Reply reply = ask({"HGETALL", tokens_key});
    std::vector<Token> tokens;
    for (std::size_t i = 0; i + 1 < reply.list.size(); i += 2) {
      if (auto token = token_from(reply.list[i].text, reply.list[i + 1].text)) {
        tokens.push_back(std::move(*token));
      }
    }
    std::ranges::sort(tokens, {}, [](const Token& token) { return std::pair(token.created, token.hash); });
    return tokens;
  }
  bool remove(const std::string& hash) override { return change({"HDEL", tokens_key, hash}).integer > 0; }

 private:
  Reply ask(const std::vector<std::string>& words) {
    return pool_.ask([&](Connection& connection) { return connection.command(words); });
  }
  Reply change(const std::vector<std::string>& words) {
    return pool_.ask([&](Connection& connection) { return connection.write(words); });
  }
  ConnectionPool pool_;
};

class RedisNodeRegistry final : public NodeRegistry {
 public:
  RedisNodeRegistry(const Address& address, const StateOptions& options)
      : now_(options.now), pool_(address, max_connections) {}

  void announce(const NodeInfo& node, std::chrono::milliseconds lifetime) override {
    const Json json{{"v", stored_version},
                    {"host", node.host},
                    {"version", node.version},
                    {"details", node.details},
                    {"seen_ms", to_ms(now_())}};
    pool_.run([&](Connection& connection) {
      connection.command({"SADD", nodes_key, node.id});
      connection.command(
          {"SET", "tessera:node:" + node.id, stored_text(json), "PX", std::to_string(lifetime.count())});
    });
  }
  void withdraw(const std::string& node_id) override {
    pool_.run([&](Connection& connection) {
      connection.command({"DEL", "tessera:node:" + node_id});
      connection.command({"SREM", nodes_key, node_id});
    });
  }
  std::vector<NodeInfo> list() override {
    std::vector<NodeInfo> nodes;
    pool_.run([&](Connection& connection) {
      nodes.clear();
      const std::vector<Reply> ids = connection.command({"SMEMBERS", nodes_key}).list;
      if (ids.empty()) {
        return;
      }
      std::vector<std::string> read{"MGET"};
      for (const Reply& id : ids) {
        read.push_back("tessera:node:" + id.text);
      }
      const std::vector<Reply> records = connection.command(read).list;
      std::vector<std::string> forget{"SREM", nodes_key};
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string& id = ids[i].text;
        if (records.at(i).empty()) {
          // Expired. A node that comes back registers again.
          forget.push_back(id);
          continue;
        }
        nodes.push_back(node_from(id, records[i].text));
      }
      if (forget.size() > 2) {
        connection.command(forget);
      }
    });
    std::ranges::sort(nodes, {}, &NodeInfo::id);
    return nodes;
  }

 private:
  Clock now_;
  ConnectionPool pool_;
};

}  // namespace

std::unique_ptr<TokenStore> open_tokens(const Address& address) {
  return std::make_unique<RedisTokenStore>(address);
}

std::unique_ptr<NodeRegistry> open_nodes(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisNodeRegistry>(address, options);
}

}  // namespace tessera::redis
