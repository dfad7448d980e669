#include "client/kubeconfig.h"

#include <algorithm>

#include "base/fs.h"
#include "codec/base64.h"
#include "codec/yaml.h"

namespace kpp::client {
namespace {

// The contents of NAME-data (base64) or of the file that NAME names.
Result<std::string> contents(const json::Value& entry, std::string_view name,
                             const std::string& directory) {
  const auto data = json::text_at(entry, cat(name, "-data"));
  if (!data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded)
      return fail(Reason::kBadRequest, cat("kubeconfig: ", name, "-data: illegal base64 data"));
    return std::move(*decoded);
  }
  const std::string file(json::text_at(entry, name));
  if (file.empty()) return std::string();
  return fs::read_file(file.starts_with('/') || directory.empty() ? file
                                                                  : cat(directory, "/", file));
}

const json::Array& list_at(const json::Value& document, std::string_view name) {
  static const json::Array kEmpty;
  const json::Value* found = json::find(document, name);
  return found && found->is_array() ? found->get_array() : kEmpty;
}

const json::Value& member(const json::Value& entry, std::string_view name) {
  static const json::Value kEmpty = json::Object();
  const json::Value* found = json::find(entry, name);
  return found ? *found : kEmpty;
}

bool bool_at(const json::Value& value, std::string_view name) {
  const json::Value* found = json::find(value, name);
  return found && found->is_bool() && found->get_bool();
}

void set(json::Object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

template <class T>
const T* named(const std::vector<T>& all, std::string_view name) {
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.name == name; });
  return it == all.end() ? nullptr : &*it;
}

}  // namespace

const KubeCluster* Kubeconfig::cluster(std::string_view name) const {
  return named(clusters, name);
}
const KubeUser* Kubeconfig::user(std::string_view name) const { return named(users, name); }
const KubeContext* Kubeconfig::context(std::string_view name) const {
  return named(contexts, name);
}

Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& directory) {
  KPP_ASSIGN(const json::Value document, yaml::parse(text));
  if (!document.is_object()) return fail(Reason::kBadRequest, "kubeconfig: not an object");
  Kubeconfig out;
  out.current_context = json::text_at(document, "current-context");
  for (const auto& entry : list_at(document, "clusters")) {
    const json::Value& body = member(entry, "cluster");
    KubeCluster cluster;
    cluster.name = json::text_at(entry, "name");
    cluster.server = json::text_at(body, "server");
    cluster.tls_server_name = json::text_at(body, "tls-server-name");
    cluster.insecure_skip_tls_verify = bool_at(body, "insecure-skip-tls-verify");
    KPP_ASSIGN(cluster.ca_pem, contents(body, "certificate-authority", directory));
    out.clusters.push_back(std::move(cluster));
  }
  for (const auto& entry : list_at(document, "users")) {
    const json::Value& body = member(entry, "user");
    KubeUser user;
    user.name = json::text_at(entry, "name");
    user.token = json::text_at(body, "token");
    KPP_ASSIGN(user.certificate_pem, contents(body, "client-certificate", directory));
    KPP_ASSIGN(user.key_pem, contents(body, "client-key", directory));
    // As the original: a file wins over a token that stands here.
    user.token_file = json::text_at(body, "tokenFile");
    if (!user.token_file.empty()) {
      user.token.clear();
      if (!user.token_file.starts_with('/') && !directory.empty())
        user.token_file = cat(directory, "/", user.token_file);
    }
    out.users.push_back(std::move(user));
  }
  for (const auto& entry : list_at(document, "contexts")) {
    const json::Value& body = member(entry, "context");
    out.contexts.push_back(
        {std::string(json::text_at(entry, "name")), std::string(json::text_at(body, "cluster")),
         std::string(json::text_at(body, "user")), std::string(json::text_at(body, "namespace"))});
  }
  return out;
}

Result<Kubeconfig> load_kubeconfig(const std::string& path) {
  KPP_ASSIGN(const std::string text, fs::read_file(path));
  const auto slash = path.rfind('/');
  return parse_kubeconfig(text, slash == std::string::npos ? std::string() : path.substr(0, slash));
}

std::string write_kubeconfig(const Kubeconfig& config) {
  json::Array clusters, users, contexts;
  for (const auto& c : config.clusters) {
    json::Object body;
    if (!c.ca_pem.empty()) body["certificate-authority-data"] = base64_encode(c.ca_pem);
    if (c.insecure_skip_tls_verify) body["insecure-skip-tls-verify"] = true;
    set(body, "server", c.server);
    set(body, "tls-server-name", c.tls_server_name);
    clusters.push_back(json::Object{{"name", c.name}, {"cluster", std::move(body)}});
  }
  for (const auto& u : config.users) {
    json::Object body;
    if (!u.certificate_pem.empty())
      body["client-certificate-data"] = base64_encode(u.certificate_pem);
    if (!u.key_pem.empty()) body["client-key-data"] = base64_encode(u.key_pem);
    set(body, "token", u.token);
    set(body, "tokenFile", u.token_file);
    users.push_back(json::Object{{"name", u.name}, {"user", std::move(body)}});
  }
  for (const auto& c : config.contexts) {
    json::Object body{{"cluster", c.cluster}, {"user", c.user}};
    set(body, "namespace", c.namespace_);
    contexts.push_back(json::Object{{"name", c.name}, {"context", std::move(body)}});
  }
  return yaml::write(json::Object{{"apiVersion", "v1"},
                                  {"kind", "Config"},
                                  {"clusters", std::move(clusters)},
                                  {"contexts", std::move(contexts)},
                                  {"current-context", config.current_context},
                                  {"preferences", json::Object()},
                                  {"users", std::move(users)}});
}

}  // namespace kpp::client
