// Who may ask, and which nodes there are.
#include <algorithm>
#include <mutex>

#include "adapters/redis/state_parts.hpp"

namespace tessera::redis {
namespace {

constexpr const char* tokens_key = "tessera:tokens";
constexpr const char* nodes_key = "tessera:nodes";

Json to_json(const Token& token) {
  Json json{{"owner", token.owner}, {"scopes", token.scopes}, {"created_ms", to_ms(token.created)}};
  if (token.expires) {
    json["expires_ms"] = to_ms(*token.expires);
  }
  return json;
}

Token token_from(const std::string& hash, const Json& json) {
  Token token{hash, json.at("owner"), json.at("scopes"), from_ms(json.at("created_ms")), {}};
  if (json.contains("expires_ms")) {
    token.expires = from_ms(json["expires_ms"]);
  }
  return token;
}

class RedisTokenStore final : public TokenStore {
 public:
  explicit RedisTokenStore(const Address& address) : connection_(address) {}

  void put(const Token& token) override { ask({"HSET", tokens_key, token.hash, to_json(token).dump()}); }
  std::optional<Token> find(const std::string& hash) override {
    const Reply reply = ask({"HGET", tokens_key, hash});
    return reply.empty() ? std::nullopt : std::optional(token_from(hash, Json::parse(reply.text)));
  }
  std::vector<Token> list() override {
    const Reply reply = ask({"HGETALL", tokens_key});
    std::vector<Token> tokens;
    for (std::size_t i = 0; i + 1 < reply.list.size(); i += 2) {
      tokens.push_back(token_from(reply.list[i].text, Json::parse(reply.list[i + 1].text)));
    }
    std::ranges::sort(tokens, {}, [](const Token& token) { return std::pair(token.created, token.hash); });
    return tokens;
  }
  bool remove(const std::string& hash) override { return ask({"HDEL", tokens_key, hash}).integer > 0; }

 private:
  Reply ask(const std::vector<std::string>& words) {
    const std::lock_guard guard(mutex_);
    Reply reply;
    connection_.with_patience([&] { reply = connection_.command(words); });
    return reply;
  }
  std::mutex mutex_;
  Connection connection_;
};

class RedisNodeRegistry final : public NodeRegistry {
 public:
  RedisNodeRegistry(const Address& address, const StateOptions& options)
      : now_(options.now), connection_(address) {}

  void announce(const NodeInfo& node, std::chrono::milliseconds lifetime) override {
    const Json json{{"host", node.host},
                    {"version", node.version},
                    {"details", node.details},
                    {"seen_ms", to_ms(now_())}};
    const std::lock_guard guard(mutex_);
    connection_.with_patience([&] {
      connection_.command({"SADD", nodes_key, node.id});
      connection_.command(
          {"SET", "tessera:node:" + node.id, json.dump(), "PX", std::to_string(lifetime.count())});
    });
  }
  void withdraw(const std::string& node_id) override {
    const std::lock_guard guard(mutex_);
    connection_.with_patience([&] {
      connection_.command({"DEL", "tessera:node:" + node_id});
      connection_.command({"SREM", nodes_key, node_id});
    });
  }
  std::vector<NodeInfo> list() override {
    const std::lock_guard guard(mutex_);
    std::vector<NodeInfo> nodes;
    connection_.with_patience([&] {
      nodes.clear();
      const std::vector<Reply> ids = connection_.command({"SMEMBERS", nodes_key}).list;
      if (ids.empty()) {
        return;
      }
      std::vector<std::string> read{"MGET"};
      for (const Reply& id : ids) {
        read.push_back("tessera:node:" + id.text);
      }
      const std::vector<Reply> records = connection_.command(read).list;
      std::vector<std::string> forget{"SREM", nodes_key};
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string& id = ids[i].text;
        if (records.at(i).empty()) {
          // Silent for its lifetime. One that comes back puts itself on the list again.
          forget.push_back(id);
          continue;
        }
        const Json json = Json::parse(records[i].text);
        nodes.push_back(
            {id, json.at("host"), json.at("version"), json.at("details"), from_ms(json.at("seen_ms"))});
      }
      if (forget.size() > 2) {
        connection_.command(forget);
      }
    });
    std::ranges::sort(nodes, {}, &NodeInfo::id);
    return nodes;
  }

 private:
  Clock now_;
  std::mutex mutex_;
  Connection connection_;
};

}  // namespace

std::unique_ptr<TokenStore> open_tokens(const Address& address) {
  return std::make_unique<RedisTokenStore>(address);
}

std::unique_ptr<NodeRegistry> open_nodes(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisNodeRegistry>(address, options);
}

}  // namespace tessera::redis
