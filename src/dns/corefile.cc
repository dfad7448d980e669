#include "dns/corefile.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "dns/message.h"

namespace kpp::dns {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxBlocks = 256;

struct Token {
  std::string text;
  int line;
};

Status at_line(int line, std::string_view what) {
  return Status(Reason::kInvalid, cat("Corefile:", line, ": ", what));
}

// Words, quoted texts and the braces that stand alone, by line; # begins a comment.
Result<std::vector<Token>> tokens(std::string_view text) {
  std::vector<Token> out;
  int line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at;
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '"') {
      const std::size_t end = text.find('"', at + 1);
      if (end == std::string_view::npos) return fail(at_line(line, "a quoted text does not end"));
      out.push_back({std::string(text.substr(at + 1, end - at - 1)), line});
      line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                          text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      at = end + 1;
    } else {
      const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
      out.push_back({std::string(text.substr(at, end - at)), line});
      at = end;
    }
  }
  return out;
}

// A plugin or an option of one: its words, and the lines between its braces.
struct Directive {
  int line = 0;
  std::vector<std::string> words;
  std::vector<Directive> block;
};

class Reader {
 public:
  explicit Reader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  bool done() const { return at_ == tokens_.size(); }

  // Lines up to the closing brace (or the end of the file at depth 0).
  Result<std::vector<Directive>> lines(int depth) {
    std::vector<Directive> out;
    while (!done()) {
      if (tokens_[at_].text == "}") {
        if (depth == 0)
          return fail(at_line(tokens_[at_].line, "a closing brace without an opening one"));
        ++at_;
        return out;
      }
      KPP_ASSIGN(auto directive, one(depth));
      out.push_back(std::move(directive));
    }
    if (depth > 0)
      return fail(at_line(tokens_.empty() ? 1 : tokens_.back().line, "a closing brace is missing"));
    return out;
  }

 private:
  Result<Directive> one(int depth) {
    Directive out;
    out.line = tokens_[at_].line;
    while (!done() && tokens_[at_].line == out.line && tokens_[at_].text != "{" &&
           tokens_[at_].text != "}") {
      out.words.push_back(std::move(tokens_[at_++].text));
    }
    if (out.words.empty()) return fail(at_line(out.line, "a name is missing before the brace"));
    if (!done() && tokens_[at_].line == out.line && tokens_[at_].text == "{") {
      if (depth >= 2) return fail(at_line(out.line, "blocks stand too deep in each other"));
      ++at_;
      KPP_ASSIGN(out.block, lines(depth + 1));
    }
    return out;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

template <class T>
bool to_number(std::string_view text, T& out, T low, T high) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= low && out <= high;
}

// "5s", "250ms", "1m".
bool to_duration(std::string_view text, Duration& out) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int count = 0;
  if (!to_number(text.substr(0, digits), count, 0, 1'000'000)) return false;
  const std::string_view unit = text.substr(digits);
  if (unit == "s")
    out = std::chrono::seconds(count);
  else if (unit == "ms")
    out = std::chrono::milliseconds(count);
  else if (unit == "m")
    out = std::chrono::minutes(count);
  else
    return false;
  return true;
}

std::string zone_name(std::string_view text) {
  std::string zone = fold(text);
  if (zone.ends_with('.')) zone.pop_back();
  return zone;
}

Status unknown_option(const Directive& plugin, const Directive& option) {
  return at_line(option.line,
                 cat("plugin ", plugin.words[0], ": unknown option \"", option.words[0], "\""));
}
Status wrong_words(const Directive& d, std::string_view wanted) {
  return at_line(d.line, cat(d.words[0], " wants ", wanted));
}

Status read_kubernetes(const Directive& d, ServerBlock& block) {
  ZoneOptions zone;
  std::vector<std::string> zones;
  for (std::size_t i = 1; i < d.words.size(); ++i) zones.push_back(zone_name(d.words[i]));
  if (zones.empty()) zones = block.zones;
  zone.reverse_zones.clear();
  zone.domain.clear();
  for (auto& name : zones) {
    if (name.ends_with(".arpa"))
      zone.reverse_zones.push_back(name);
    else if (zone.domain.empty())
      zone.domain = name;
    else
      return at_line(d.line, "kubernetes serves one domain and the reverse zones");
  }
  if (zone.domain.empty()) return wrong_words(d, "the cluster's domain");
  for (const auto& option : d.block) {
    const auto& word = option.words[0];
    if (word == "pods") {
      const std::string mode = option.words.size() == 2 ? option.words[1] : "disabled";
      if (mode == "insecure")
        zone.pods = ZoneOptions::Pods::kInsecure;
      else if (mode == "disabled")
        zone.pods = ZoneOptions::Pods::kDisabled;
      else
        return wrong_words(option, "insecure or disabled (verified is not served)");
    } else if (word == "fallthrough") {
      for (std::size_t i = 1; i < option.words.size(); ++i)
        zone.fallthrough.push_back(zone_name(option.words[i]));
      if (option.words.size() == 1) zone.fallthrough.emplace_back();
    } else if (word == "ttl") {
      if (option.words.size() != 2 || !to_number(option.words[1], zone.ttl, 0U, 3600U)) {
        return wrong_words(option, "seconds from 0 to 3600");
      }
    } else {
      return unknown_option(d, option);
    }
  }
  block.kubernetes = std::move(zone);
  return {};
}

Status read_forward(const Directive& d, ServerBlock& block) {
  if (d.words.size() < 3) return wrong_words(d, "a zone and where to ask");
  if (!zone_name(d.words[1]).empty() &&
      zone_name(d.words[1]) != (block.zones.size() == 1 ? block.zones[0] : "")) {
    return at_line(d.line,
                   "forward serves the zone of its block; write a block of its own for another");
  }
  ForwardOptions forward;
  for (std::size_t i = 2; i < d.words.size(); ++i) {
    if (d.words[i].find("://") != std::string::npos && !d.words[i].starts_with("dns://")) {
      return at_line(d.line, cat("forward speaks plain DNS only, not \"", d.words[i], "\""));
    }
    forward.to.push_back(d.words[i].starts_with("dns://") ? d.words[i].substr(6) : d.words[i]);
  }
  for (const auto& option : d.block) {
    const auto& word = option.words[0];
    if (word == "max_concurrent") {
      if (option.words.size() != 2 ||
          !to_number(option.words[1], forward.max_concurrent, 0, 1'000'000)) {
        return wrong_words(option, "a number");
      }
    } else if (word == "policy") {
      const std::string policy = option.words.size() == 2 ? option.words[1] : "";
      if (policy == "random")
        forward.policy = ForwardOptions::Policy::kRandom;
      else if (policy == "round_robin")
        forward.policy = ForwardOptions::Policy::kRoundRobin;
      else if (policy == "sequential")
        forward.policy = ForwardOptions::Policy::kSequential;
      else
        return wrong_words(option, "random, round_robin or sequential");
    } else {
      return unknown_option(d, option);
    }
  }
  block.forward = std::move(forward);
  return {};
}

Status read_cache(const Directive& d, ServerBlock& block) {
  CacheOptions cache;
  std::size_t word = 1;
  if (word < d.words.size() && to_number(d.words[word], cache.success_ttl, 1U, 86400U)) {
    cache.denial_ttl = std::min(cache.denial_ttl, cache.success_ttl);
    ++word;
  }
  if (word < d.words.size())
    return wrong_words(d, "at most the longest time in seconds; its zones are those of the block");
  for (const auto& option : d.block) {
    const auto& name = option.words[0];
    if (name == "success" || name == "denial") {
      auto& capacity = name == "success" ? cache.success_capacity : cache.denial_capacity;
      auto& ttl = name == "success" ? cache.success_ttl : cache.denial_ttl;
      if (option.words.size() < 2 || option.words.size() > 3 ||
          !to_number(option.words[1], capacity, std::size_t{1}, std::size_t{10'000'000}) ||
          (option.words.size() == 3 && !to_number(option.words[2], ttl, 1U, 86400U))) {
        return wrong_words(option, "a capacity and, if wanted, the longest time in seconds");
      }
    } else if (name == "disable") {
      // Names of the cluster are answered from memory and never kept here: disabled in any case.
      if (option.words.size() < 2 ||
          (option.words[1] != "success" && option.words[1] != "denial")) {
        return wrong_words(option, "success or denial, and zones");
      }
    } else {
      return unknown_option(d, option);
    }
  }
  block.cache = cache;
  return {};
}

Status read_health(const Directive& d, ServerBlock& block) {
  block.health = d.words.size() > 1 ? d.words[1] : ":8080";
  for (const auto& option : d.block) {
    if (option.words[0] != "lameduck") return unknown_option(d, option);
    Duration lameduck;
    if (option.words.size() != 2 || !to_duration(option.words[1], lameduck))
      return wrong_words(option, "a time as 5s");
    block.without_effect.push_back("lameduck");
  }
  return {};
}

Status read_plugin(const Directive& d, ServerBlock& block) {
  using Read = std::function<Status(const Directive&, ServerBlock&)>;
  const auto alone = [](bool ServerBlock::* flag) -> Read {
    return [flag](const Directive& directive, ServerBlock& b) {
      b.*flag = true;
      return directive.block.empty() ? Status() : unknown_option(directive, directive.block[0]);
    };
  };
  static const std::map<std::string, Read, std::less<>> kPlugins = {
      {"kubernetes", read_kubernetes},
      {"forward", read_forward},
      {"cache", read_cache},
      {"health", read_health},
      {"errors", alone(&ServerBlock::errors)},
      {"loop",
       [](const Directive&, ServerBlock& b) {
         b.without_effect.push_back("loop");
         return Status();
       }},
      {"loadbalance",
       [](const Directive& x, ServerBlock& b) {
         b.loadbalance = true;
         return x.words.size() > 1 && x.words[1] != "round_robin" ? wrong_words(x, "round_robin")
                                                                  : Status();
       }},
      {"ready",
       [](const Directive& x, ServerBlock& b) {
         b.ready = x.words.size() > 1 ? x.words[1] : ":8181";
         return Status();
       }},
      {"prometheus",
       [](const Directive& x, ServerBlock& b) {
         b.prometheus = x.words.size() > 1 ? x.words[1] : "localhost:9153";
         return Status();
       }},
      {"reload",
       [](const Directive& x, ServerBlock& b) {
         Duration every = std::chrono::seconds(30);
         if (x.words.size() > 1 && !to_duration(x.words[1], every))
           return wrong_words(x, "a time as 30s");
         b.without_effect.push_back("reload");
         return Status();
       }},
  };
  const auto found = kPlugins.find(d.words[0]);
  if (found == kPlugins.end()) return at_line(d.line, cat("unknown plugin \"", d.words[0], "\""));
  return found->second(d, block);
}

// ".:53", "consul.local:53", "example.org".
Status read_key(const Directive& d, const std::string& key, ServerBlock& block) {
  std::string_view zone = key;
  if (zone.starts_with("dns://")) zone.remove_prefix(6);
  if (const auto colon = zone.rfind(':'); colon != std::string_view::npos) {
    if (!to_number<std::uint16_t>(zone.substr(colon + 1), block.port, 1, 65535))
      return at_line(d.line, cat("\"", key, "\" has no port after the colon"));
    zone = zone.substr(0, colon);
  }
  if (zone.find("://") != std::string_view::npos)
    return at_line(d.line, cat("only plain DNS is served, not \"", key, "\""));
  block.zones.push_back(zone_name(zone));
  return {};
}

}  // namespace

Result<std::vector<ServerBlock>> parse_corefile(std::string_view text) {
  if (text.size() > kMaxFileBytes) return fail(Reason::kInvalid, "Corefile: larger than 1 MiB");
  KPP_ASSIGN(auto words, tokens(text));
  Reader reader(std::move(words));
  KPP_ASSIGN(const auto directives, reader.lines(0));
  std::vector<ServerBlock> out;
  for (const auto& directive : directives) {
    if (out.size() == kMaxBlocks) return fail(at_line(directive.line, "more than 256 blocks"));
    ServerBlock block;
    for (const auto& key : directive.words) KPP_RETURN_IF_ERROR(read_key(directive, key, block));
    for (const auto& plugin : directive.block) KPP_RETURN_IF_ERROR(read_plugin(plugin, block));
    if (!block.kubernetes && !block.forward) {
      return fail(
          at_line(directive.line, "a block needs kubernetes or forward, or it can answer nothing"));
    }
    out.push_back(std::move(block));
  }
  if (out.empty()) return fail(Reason::kInvalid, "Corefile: no block in it");
  const auto other =
      std::find_if(out.begin(), out.end(), [&](const auto& b) { return b.port != out[0].port; });
  if (other != out.end())
    return fail(Reason::kInvalid, "Corefile: all blocks must have the same port");
  return out;
}

std::vector<std::string> nameservers(std::string_view resolv_conf) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < resolv_conf.size();) {
    const std::size_t end = std::min(resolv_conf.find('\n', at), resolv_conf.size());
    std::string_view line = resolv_conf.substr(at, end - at);
    at = end + 1;
    static constexpr std::string_view kKey = "nameserver";
    if (!line.starts_with(kKey) || line.size() == kKey.size() ||
        (line[kKey.size()] != ' ' && line[kKey.size()] != '\t'))
      continue;
    line.remove_prefix(kKey.size());
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    out.emplace_back(line.substr(0, line.find_first_of(" \t\r#;")));
  }
  return out;
}

}  // namespace kpp::dns
