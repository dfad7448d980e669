#include "kubelet/volumes/config_objects.h"

#include "kubelet/container/container_config.h"

namespace kpp::kubelet {
namespace {

struct Names {
  std::set<std::string> config_maps, secrets;
};

Names names_of(const corev1::Pod& pod) {
  std::vector<std::string> config_maps, secrets;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& c : *list) collect_references(c, config_maps, secrets);
  }
  for (const auto& c : pod.spec.ephemeral_containers)
    collect_references(as_container(c), config_maps, secrets);
  for (const auto& ref : pod.spec.image_pull_secrets) secrets.push_back(ref.name);
  for (const auto& volume : pod.spec.volumes) {
    const auto& source = volume.volume_source;
    if (source.config_map) config_maps.push_back(source.config_map->local_object_reference.name);
    if (source.secret) secrets.push_back(source.secret->secret_name);
    if (!source.projected) continue;
    for (const auto& part : source.projected->sources) {
      if (part.config_map) config_maps.push_back(part.config_map->local_object_reference.name);
      if (part.secret) secrets.push_back(part.secret->local_object_reference.name);
    }
  }
  return {{config_maps.begin(), config_maps.end()}, {secrets.begin(), secrets.end()}};
}

}  // namespace

std::set<std::string> config_map_names(const corev1::Pod& pod) { return names_of(pod).config_maps; }
std::set<std::string> secret_names(const corev1::Pod& pod) { return names_of(pod).secrets; }

ConfigObjects::ConfigObjects(async::Executor& executor, client::Client& client, Logger log,
                             Changed changed)
    : executor_(executor),
      client_(client),
      log_(std::move(log)),
      changed_(std::move(changed)),
      ending_(executor) {}

ConfigObjects::~ConfigObjects() = default;

template <class T>
void ConfigObjects::use(Table<T>& table, const api::ObjectKey& key, const std::string& uid) {
  auto [it, added] = table.try_emplace(key);
  it->second.users.insert(uid);
  if (!added) return;
  client::ListQuery one;
  one.field_selector = cat("metadata.name=", key.name);
  it->second.informer =
      std::make_shared<client::Informer<T>>(executor_, client_, log_, key.namespace_, one);
  it->second.informer->add_handler([this, &table, key](const auto&, const auto&) {
    const auto found = table.find(key);
    if (found == table.end() || !found->second.informer->synced()) return;
    const auto users = found->second.users;
    for (const auto& user : users) changed_(user);
  });
  it->second.informer->start();
}

template <class T>
async::Task<void> ConfigObjects::end(std::shared_ptr<client::Informer<T>> informer) {
  co_await informer->stop();
}

template <class T>
void ConfigObjects::drop_unused(Table<T>& table, const std::string& uid,
                                const std::set<api::ObjectKey>& keep) {
  for (auto it = table.begin(); it != table.end();) {
    if (!keep.contains(it->first)) it->second.users.erase(uid);
    if (!it->second.users.empty()) {
      ++it;
      continue;
    }
    ending_.spawn(end<T>(std::move(it->second.informer)));
    it = table.erase(it);
  }
}

void ConfigObjects::set_references(const std::string& uid, const corev1::Pod& pod) {
  const Names names = names_of(pod);
  std::set<api::ObjectKey> config_maps, secrets;
  for (const auto& name : names.config_maps) config_maps.insert({pod.metadata.namespace_, name});
  for (const auto& name : names.secrets) secrets.insert({pod.metadata.namespace_, name});
  for (const auto& key : config_maps) use(config_maps_, key, uid);
  for (const auto& key : secrets) use(secrets_, key, uid);
  drop_unused(config_maps_, uid, config_maps);
  drop_unused(secrets_, uid, secrets);
}

void ConfigObjects::forget(const std::string& uid) {
  drop_unused(config_maps_, uid, {});
  drop_unused(secrets_, uid, {});
}

template <class T>
async::Task<Result<std::shared_ptr<const T>>> ConfigObjects::look_up(Table<T>* table,
                                                                     api::ObjectKey key,
                                                                     async::StopToken stop) {
  const auto it = table->find(key);
  if (it == table->end()) co_return std::shared_ptr<const T>();
  const auto informer = it->second.informer;  // lives on if the pod stops referring to it meanwhile
  const bool synced = co_await informer->wait_synced(stop);
  if (!synced) co_return fail(Reason::kCanceled, "stopped");
  co_return informer->get(key);
}

async::Task<Result<std::shared_ptr<const corev1::ConfigMap>>> ConfigObjects::config_map(
    std::string namespace_, std::string name, async::StopToken stop) {
  return look_up(&config_maps_, {std::move(namespace_), std::move(name)}, std::move(stop));
}

async::Task<Result<std::shared_ptr<const corev1::Secret>>> ConfigObjects::secret(
    std::string namespace_, std::string name, async::StopToken stop) {
  return look_up(&secrets_, {std::move(namespace_), std::move(name)}, std::move(stop));
}

async::Task<Result<ConfigSnapshot>> ConfigObjects::snapshot(std::shared_ptr<const corev1::Pod> pod,
                                                            corev1::Container container,
                                                            async::StopToken stop) {
  std::vector<std::string> config_maps, secrets;
  collect_references(container, config_maps, secrets);
  ConfigSnapshot out;
  for (const auto& name : config_maps) {
    auto object = co_await config_map(pod->metadata.namespace_, name, stop);
    if (!object) co_return std::unexpected(std::move(object).error());
    out.config_maps[name] = std::move(*object);
  }
  for (const auto& name : secrets) {
    auto object = co_await secret(pod->metadata.namespace_, name, stop);
    if (!object) co_return std::unexpected(std::move(object).error());
    out.secrets[name] = std::move(*object);
  }
  co_return out;
}

async::Task<void> ConfigObjects::stop() {
  for (auto& [key, watched] : config_maps_) ending_.spawn(end<corev1::ConfigMap>(watched.informer));
  for (auto& [key, watched] : secrets_) ending_.spawn(end<corev1::Secret>(watched.informer));
  config_maps_.clear();
  secrets_.clear();
  co_await ending_.join();
}

}  // namespace kpp::kubelet
