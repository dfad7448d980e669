// Replays the recordings of the original's kube-proxy (iptables mode) against our rules. The
// recordings are no part of this tree: the test says so and passes where they are absent.
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "api/json_codec.h"
#include "codec/json.h"
#include "kernel_model.h"
#include "proxy/config/configuration.h"
#include "proxy/rules/model.h"
#include "proxy/syncer.h"

namespace kpp::proxy::testing {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() {
  if (const char* set = std::getenv("KPP_GOLDEN")) return fs::path(set) / "proxy";
  return fs::path(KPP_SOURCE_DIR).parent_path() / "shared" / "golden" / "proxy";
}

Result<json::Value> load(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return json::parse(text.str());
}

KernelRules rules_of(const json::Value& tables) {
  KernelRules out;
  for (const auto& [table, chains] : tables.as_object()) {
    for (const auto& [chain, rules] : chains.as_object()) {
      auto& list = out.tables[std::string(table)][std::string(chain)];
      for (const auto& rule : rules.as_array()) list.emplace_back(rule.as_string());
    }
  }
  return out;
}

// Applies a record's "changed" to the state before it.
void apply_changes(KernelRules& state, const json::Value& changes) {
  for (const auto& [table, chains] : changes.as_object()) {
    if (chains.is_null()) {
      state.tables.erase(std::string(table));
      continue;
    }
    for (const auto& [chain, rules] : chains.as_object()) {
      auto& to = state.tables[std::string(table)];
      to.erase(std::string(chain));
      if (rules.is_null()) continue;
      auto& list = to[std::string(chain)];
      for (const auto& rule : rules.as_array()) list.emplace_back(rule.as_string());
    }
  }
}

std::string difference(const KernelRules& want, const KernelRules& got) {
  std::string out;
  const auto show = [&](const std::string& what, const std::string& table, const std::string& chain,
                        const std::vector<std::string>& rules) {
    out += cat("    ", what, " ", table, " ", chain, "\n");
    for (const auto& rule : rules) out += cat("        ", rule, "\n");
  };
  for (const auto& [table, chains] : want.tables) {
    const auto ours = got.tables.find(table);
    for (const auto& [chain, rules] : chains) {
      if (ours == got.tables.end() || !ours->second.contains(chain)) {
        show("missing", table, chain, rules);
      } else if (ours->second.at(chain) != rules) {
        show("want", table, chain, rules);
        show("got ", table, chain, ours->second.at(chain));
      }
    }
  }
  for (const auto& [table, chains] : got.tables) {
    const auto theirs = want.tables.find(table);
    for (const auto& [chain, rules] : chains) {
      if (theirs == want.tables.end() || !theirs->second.contains(chain))
        show("extra", table, chain, rules);
    }
  }
  return out;
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

KernelRules without_quotes(const KernelRules& from) {
  KernelRules out = from;
  for (auto& [table, chains] : out.tables) {
    for (auto& [chain, rules] : chains) {
      for (auto& rule : rules) rule = unquoted(rule);
    }
  }
  return out;
}

std::string digest(const KernelRules& rules, std::size_t& lines_out) {
  std::vector<std::string> lines;
  for (const auto& [table, chains] : rules.tables) {
    for (const auto& [chain, list] : chains) {
      lines.push_back(cat(table, " :", chain));
      for (const auto& rule : list) lines.push_back(cat(table, " -A ", chain, " ", rule));
    }
  }
  lines_out = lines.size();
  std::sort(lines.begin(), lines.end());
  const std::string all = join(lines, "\n") + "\n";
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), hash);
  std::string out;
  for (const unsigned char byte : hash) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", byte);
    out += hex;
  }
  return out;
}

// One recording, step by step.
class Replay {
 public:
  Replay(json::Value doc, const json::Value& common) : doc_(std::move(doc)), common_(common) {}

  // What differs; empty if nothing does.
  std::string run() {
    for (const auto& address : common_.at("addresses on the node").as_array()) {
      const std::string text(address.as_string());
      node_addresses_.push_back(text.substr(0, text.find('/')));
    }
    const json::Value* node = json::find(doc_, "node class");
    if (auto ok = decode(node ? *node : common_.at("nodes").at(0), node_); !ok.ok())
      return ok.to_string();
    if (const auto* before = json::find(doc_, "before"); before && before->is_object()) {
      for (int f = 0; f < 2; ++f) {
        const auto* rules = json::find(*before, f == 0 ? "ip4" : "ip6");
        if (rules && rules->is_object()) {
          for (auto& [table, chains] : rules_of(*rules).tables) {
            for (auto& [chain, list] : chains) kernel_[f].rules().tables[table][chain] = list;
          }
        }
      }
    }
    int number = 0;
    for (const auto& step : doc_.at("steps").as_array()) {
      const std::string found = run_step(step);
      if (!found.empty())
        errors_ += cat("  step ", number, " (", json::text_at(step, "do"), "):\n", found);
      ++number;
    }
    return errors_;
  }
  bool compared() const { return compared_; }

 private:
  template <class T>
  static Status decode(const json::Value& from, T& to) {
    return api::from_json(from, T::desc(), &to);
  }

  static Result<ProxyOptions> options_from(const json::Value& config) {
    auto file = parse_settings(json::write(config));
    if (!file) return std::unexpected(std::move(file).error());
    return std::move(file->options);
  }

  std::string put(const json::Value& object) {
    const std::string key =
        cat(json::text_at(object, "kind"), " ", json::text_at(object, "metadata.namespace"), "/",
            json::text_at(object, "metadata.name"));
    objects_[key] = object;
    return put_into_model(object);
  }

  std::string put_into_model(const json::Value& object) {
    if (!model_) return {};
    if (json::text_at(object, "kind") == "Service") {
      corev1::Service service;
      if (auto ok = decode(object, service); !ok.ok()) return ok.to_string();
      model_->put_service(service);
    } else {
      auto slice = std::make_shared<discoveryv1::EndpointSlice>();
      if (auto ok = decode(object, *slice); !ok.ok()) return ok.to_string();
      model_->put_slice(std::move(slice));
    }
    return {};
  }

  // The services of the large recordings, which name the recipe instead of the objects.
  void put_many(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = cat("s", i < 10 ? "00" : i < 100 ? "0" : "", i);
      put(*json::parse(cat(R"({"kind":"Service","metadata":{"namespace":"default","name":")", name,
                           R"("},"spec":{"type":"ClusterIP","clusterIPs":["10.100.)", i / 100, ".",
                           i % 100 + 1,
                           R"("],"ports":[{"name":"p","protocol":"TCP","port":80}]}})")));
      std::string endpoints;
      for (int j = 0; j < 5; ++j) {
        endpoints += cat(j == 0 ? "" : ",", R"({"addresses":["10.)", j % 2 == 0 ? 44 : 32, ".", i,
                         ".", j + 1, R"("],"conditions":{"ready":true},"nodeName":")",
                         j % 2 == 0 ? "class" : "class2", "\"}");
      }
      put(*json::parse(cat(R"({"kind":"EndpointSlice","metadata":{"namespace":"default","name":")",
                           name, R"(-a","labels":{"kubernetes.io/service-name":")", name,
                           R"("}},"addressType":"IPv4","endpoints":[)", endpoints,
                           R"(],"ports":[{"name":"p","protocol":"TCP","port":8080}]})")));
    }
  }

  void remove(const std::string& text) {
    objects_.erase(text);
    const auto blank = text.find(' ');
    const auto slash = text.find('/');
    const api::ObjectKey key{text.substr(blank + 1, slash - blank - 1), text.substr(slash + 1)};
    if (!model_) return;
    if (text.starts_with("Service ")) {
      model_->remove_service(key);
    } else {
      model_->remove_slice(key);
    }
  }

  std::string start() {
    auto options = options_from(doc_.at("config"));
    if (!options) return options.error().to_string();
    options_ = *options;
    model_ = std::make_unique<Model>("class");
    syncers_[0] = FamilySyncer(IpFamily::kIPv4);
    syncers_[1] = FamilySyncer(IpFamily::kIPv6);
    for (const auto& [key, object] : objects_) {
      if (auto error = put_into_model(object); !error.empty()) return error;
    }
    return {};
  }

  std::string run_step(const json::Value& step) {
    const std::string what(json::text_at(step, "do"));
    if (const auto* objects = json::find(step, "objects")) {
      if (objects->is_array()) {
        for (const auto& object : objects->as_array()) put(object);
      } else {
        put_many(json::text_at(*objects, "recipe").starts_with("for i in 0..199") ? 200 : 201);
      }
    }
    if (what.starts_with("kube-proxy starts")) {
      if (auto error = start(); !error.empty()) return error;
    } else if (what.find("SIGTERM") != std::string::npos || what.starts_with("stopped")) {
      model_.reset();
    }
    if (const auto* puts = json::find(step, "put")) {
      for (const auto& object : puts->as_array()) {
        if (auto error = put(object); !error.empty()) return error;
      }
    }
    if (const auto* gone = json::find(step, "delete")) {
      for (const auto& object : gone->as_array()) remove(std::string(object.as_string()));
    }
    if (const auto* labels = json::find(step, "node label")) {
      for (const auto& [key, value] : labels->as_object()) {
        if (value.is_string()) {
          node_.metadata.labels[std::string(key)] = value.as_string();
        } else {
          node_.metadata.labels.erase(std::string(key));
        }
      }
      for (auto& syncer : syncers_) syncer.require_full();
    }
    if (const auto chain = json::text_at(step, "flushed from outside"); !chain.empty()) {
      kernel_[0].rules().tables["nat"][std::string(chain)].clear();
    }
    if (json::find(step, "node change")) {
      node_addresses_.push_back(what.substr(0, what.find('/')));
    }
    if (what.find("flush ruleset") != std::string::npos) {
      for (auto& kernel : kernel_) kernel.flush();
      // The canaries are looked at every sync period; only a short one passes within the step.
      if (what.find("later") != std::string::npos) {
        for (auto& syncer : syncers_) syncer.require_full();
      }
    }
    std::string found;
    for (int f = 0; f < 2; ++f) found += sync_and_compare(step, f, what);
    return found;
  }

  std::string sync_and_compare(const json::Value& step, int f, const std::string& what) {
    const auto family = f == 0 ? IpFamily::kIPv4 : IpFamily::kIPv6;
    const char* name = f == 0 ? "ip4" : "ip6";
    std::string found;
    std::string sent;
    std::string kind = "none";
    if (model_ && syncers_[f].needs_sync(*model_)) {
      const RuleOptions options = rule_options(options_, node_, node_addresses_, family, true);
      const auto plan = syncers_[f].plan(*model_, options, kernel_[f].rules(), false);
      kind = plan.full ? "full" : "partial";
      sent = plan.text;
      if (const Status written = kernel_[f].restore(plan.text); written.ok()) {
        syncers_[f].done(plan);
      } else {
        syncers_[f].failed(plan);
      }
    }
    if (what.find("--cleanup") != std::string::npos) {
      const Status cleaned = kernel_[f].restore(cleanup_text(kernel_[f].rules()));
      if (!cleaned.ok()) found += cat("    cleanup: ", cleaned.to_string(), "\n");
    }
    if (const auto want = json::text_at(step, cat("sync.", name)); !want.empty() && want != kind) {
      found += cat("    ", name, " sync: want ", want, ", got ", kind, "\n");
    }
    found += compare_state(step, f, name);
    const auto* calls = json::find(step, cat("sent.", name));
    if (calls && calls->as_array().size() == 1 && !sent.empty() &&
        json::find(calls->as_array()[0], "nat"))
      found += compare_sent(calls->as_array()[0], sent, name);
    return found;
  }

  std::string compare_state(const json::Value& step, int f, const char* name) {
    const auto* state = json::find(step, "state");
    if (state && json::find(*state, "sha256")) {
      if (f != 0) return {};
      compared_ = true;
      std::size_t lines = 0;
      const auto hash = digest(kernel_[0].rules(), lines);
      if (hash == json::text_at(*state, "sha256")) return {};
      return cat("    digest differs: ", lines, " lines, want ", json::int_at(*state, "lines"),
                 "\n");
    }
    // After a change of the mode the record names the rules of both.
    if (const auto* both = json::find(step, "iptables"); both && both->is_object()) state = both;
    if (state && state->is_object()) {
      const auto* rules = json::find(*state, name);
      if (!rules) return {};
      want_[f] = rules->is_string() ? rules_of(common_.at("ip6 of base-empty").at("iptables"))
                                    : rules_of(*rules);
    } else if (const auto* changed = json::find(step, "changed"); changed && changed->is_object()) {
      if (const auto* rules = json::find(*changed, name); rules && rules->is_object())
        apply_changes(want_[f], *rules);
    } else {
      return {};
    }
    compared_ = true;
    KernelRules ours = kernel_[f].rules();
    sort_dispatch_chains(ours);
    drop_empty_built_in(want_[f]);
    drop_empty_built_in(ours);
    std::string different = difference(want_[f], ours);
    if (!different.empty() && f == 0) {
      if (const auto* other = json::find(step, "or instead.ip4"); other) {
        KernelRules alternative = want_[f];
        apply_changes(alternative, *other);
        different = difference(alternative, ours);
      }
    }
    return different.empty() ? different : cat("    ", name, " rules:\n", different);
  }

  static std::string compare_sent(const json::Value& call, const std::string& sent,
                                  const char* name) {
    KernelRules want;
    std::vector<std::string> want_other;
    for (const auto& [table, content] : call.as_object()) {
      if (content.is_array()) {
        if (!table.ends_with(" other")) continue;
        for (const auto& line : content.as_array()) want_other.emplace_back(line.as_string());
        continue;
      }
      if (!content.is_object()) continue;
      for (const auto& [chain, rules] : content.as_object()) {
        auto& list = want.tables[std::string(table)][std::string(chain)];
        for (const auto& rule : rules.as_array())
          list.emplace_back(unquoted(std::string(rule.as_string())));
      }
    }
    // The original makes the frame (canaries, jumps) by calls of its own; ours stands in the same
    // text.
    auto parsed = SentText::parse(sent);
    KernelRules got;
    got.tables = parsed.chains;
    got.tables.erase("mangle");
    for (auto& [table, chains] : got.tables) chains.erase(kCanaryChain);
    if (!want.tables["filter"].contains("KUBE-FIREWALL") &&
        got.tables["filter"]["KUBE-FIREWALL"].empty()) {
      got.tables["filter"].erase("KUBE-FIREWALL");
    }
    for (auto& [table, lines] : parsed.other)
      std::erase_if(lines, [](const auto& line) { return line.starts_with("-I "); });
    std::vector<std::string> got_other;
    for (const auto& [table, lines] : parsed.other)
      got_other.insert(got_other.end(), lines.begin(), lines.end());
    sort_dispatch_chains(got);
    std::string different = difference(want, without_quotes(got));
    std::sort(want_other.begin(), want_other.end());
    std::sort(got_other.begin(), got_other.end());
    if (want_other != got_other) {
      different += cat("    other lines: want ", join(want_other, "; "), "\n                 got ",
                       join(got_other, "; "), "\n");
    }
    return different.empty() ? different : cat("    ", name, " sent:\n", different);
  }

  const json::Value doc_;
  const json::Value& common_;
  std::string errors_;
  bool compared_ = false;
  ProxyOptions options_;
  corev1::Node node_;
  std::vector<std::string> node_addresses_;
  std::map<std::string, json::Value> objects_;
  std::unique_ptr<Model> model_;
  FamilySyncer syncers_[2] = {FamilySyncer(IpFamily::kIPv4), FamilySyncer(IpFamily::kIPv6)};
  KernelModel kernel_[2] = {KernelModel(IpFamily::kIPv4), KernelModel(IpFamily::kIPv6)};
  KernelRules want_[2];
};

TEST(GoldenProxy, WritesTheRulesOfTheOriginal) {
  const auto folder = golden_folder();
  if (!fs::exists(folder / "_common.json")) {
    GTEST_SKIP() << "no recordings at " << folder
                 << "; set KPP_GOLDEN to the folder that holds them";
  }
  const auto common = load(folder / "_common.json");
  ASSERT_TRUE(common) << common.error().to_string();
  const char* only = std::getenv("KPP_GOLDEN_ONLY");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("iptables.") || !name.ends_with(".json")) continue;
    if (only != nullptr && name != cat("iptables.", only, ".json")) continue;
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  int passed = 0;
  std::vector<std::string> failed;
  std::vector<std::string> without_rules;
  for (const auto& file : files) {
    std::string name = file.stem().string().substr(std::string_view("iptables.").size());
    auto doc = load(file);
    ASSERT_TRUE(doc) << file << ": " << doc.error().to_string();
    Replay replay(std::move(*doc), *common);
    const auto errors = replay.run();
    if (!errors.empty()) {
      std::cout << name << ":\n" << errors.substr(0, 6000);
      failed.push_back(name);
    } else if (replay.compared()) {
      ++passed;
    } else {
      without_rules.push_back(name);
    }
  }
  std::cout << "golden proxy: " << passed << " passed, " << failed.size() << " failed\n";
  if (!failed.empty()) std::cout << "golden proxy failed: " << join(failed, " ") << "\n";
  if (!without_rules.empty())
    std::cout << "golden proxy without rules: " << join(without_rules, " ") << "\n";
  EXPECT_TRUE(failed.empty());
}

}  // namespace
}  // namespace kpp::proxy::testing
