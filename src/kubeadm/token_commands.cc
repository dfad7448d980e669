#include "kubeadm/token_commands.h"

#include "client/kubeconfig.h"
#include "kubeadm/api_objects.h"
#include "kubeadm/cluster_setup.h"
#include "kubeadm/tokens.h"
#include "kubeadm/wait_control_plane.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kSecrets = "/api/v1/namespaces/kube-system/secrets";

// host:port and CA of the cluster that a kubeconfig is for.
Result<std::pair<std::string, std::string>> cluster_of(const std::string& kubeconfig) {
  KPP_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(kubeconfig));
  const client::KubeContext* const context = file.context(file.current_context);
  const client::KubeCluster* const cluster =
      context == nullptr ? nullptr : file.cluster(context->cluster);
  constexpr std::string_view kScheme = "https://";
  if (cluster == nullptr || !cluster->server.starts_with(kScheme)) {
    return fail(Reason::kInvalid, cat(kubeconfig, " names no cluster"));
  }
  return std::pair(cluster->server.substr(kScheme.size()), cluster->ca_pem);
}

}  // namespace

Result<TokenFormat> token_format(std::string_view output) {
  if (output.empty() || output == "text") return TokenFormat::kText;
  if (output == "json") return TokenFormat::kJson;
  if (output == "yaml") return TokenFormat::kYaml;
  return fail(Reason::kInvalid, cat("invalid output format ", quoted(output),
                                    ", allowed formats are: json, text, yaml"));
}

async::Task<Status> list_tokens(Setting setting, std::string kubeconfig, TokenFormat format,
                                async::StopToken stop) {
  KPP_CO_ASSIGN(const ApiConnection api, connect(setting.executor, kubeconfig));
  KPP_CO_ASSIGN(const json::Value list,
                co_await get_path(*api.client, std::string(kSecrets),
                                  "fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken", stop));
  std::vector<ListedToken> tokens;
  const json::Value* const items = json::find(list, "items");
  if (items != nullptr && items->is_array()) {
    for (const json::Value& secret : items->get_array()) {
      auto token = read_token_secret(secret, setting.executor.wall());
      // A secret that is no token does not hide the others.
      if (token) tokens.push_back(std::move(*token));
    }
  }
  if (tokens.empty()) co_return Status();
  std::string text = tokens_text(tokens, format);
  text.pop_back();
  setting.print(text);
  co_return Status();
}

async::Task<Status> create_token(Setting setting, std::string kubeconfig, TokenRequest request,
                                 async::StopToken stop) {
  BootstrapToken& token = request.token;
  if (token.token.empty()) token.token = generate_token();
  KPP_CO_RETURN_IF_ERROR(validate(token));
  KPP_CO_ASSIGN(const auto cluster, cluster_of(kubeconfig));
  KPP_CO_ASSIGN(const ApiConnection api, connect(setting.executor, kubeconfig));
  const std::string id(token_id(token.token));
  auto present = co_await get_path(*api.client, cat(kSecrets, "/bootstrap-token-", id), "", stop);
  if (present) {
    co_return Status(Reason::kAlreadyExists,
                     cat("a token with id ", quoted(id), " already exists"));
  }
  if (!request.dry_run) {
    Status made = co_await ensure_object(
        *api.client, token_secret_document(token, setting.executor.wall()), stop);
    if (!made.ok()) co_return made;
  }
  if (!request.print_join_command) {
    setting.print(token.token);
    co_return Status();
  }
  KPP_CO_ASSIGN(std::string command, join_command(cluster.first, cluster.second, token.token));
  // On one line here, for scripts.
  if (const std::size_t fold = command.find("\\\n\t"); fold != std::string::npos) {
    command.erase(fold, 3);
  }
  if (!request.certificate_key.empty()) {
    command += cat("--control-plane --certificate-key ", request.certificate_key);
  }
  setting.print(command);
  co_return Status();
}

async::Task<Status> delete_tokens(Setting setting, std::string kubeconfig,
                                  std::vector<std::string> tokens, bool dry_run,
                                  async::StopToken stop) {
  KPP_CO_ASSIGN(const ApiConnection api, connect(setting.executor, kubeconfig));
  for (const std::string& token : tokens) {
    const bool is_id = token.size() == 6 && check_token(cat(token, ".0123456789abcdef")).ok();
    if (!is_id && !check_token(token).ok()) {
      co_return Status(Reason::kInvalid, cat("given token ", quoted(token),
                                             " didn't match pattern \"\\\\A([a-z0-9]{6})\\\\z\" or "
                                             "\"\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z\""));
    }
    const std::string id(token_id(token));
    if (dry_run) {
      setting.print(cat("[dryrun] Would delete the bootstrap token ", quoted(id)));
      continue;
    }
    Status gone = co_await delete_path(*api.client, cat(kSecrets, "/bootstrap-token-", id), stop);
    if (!gone.ok()) {
      co_return std::move(gone).with_context(cat("failed to delete bootstrap token ", quoted(id)));
    }
    setting.print(cat("bootstrap token ", quoted(id), " deleted"));
  }
  co_return Status();
}

}  // namespace kpp::kubeadm
