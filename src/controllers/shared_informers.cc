#include "controllers/shared_informers.h"

namespace kpp::controllers {

client::InformerBase& SharedInformers::make(const api::TypeDesc& type, bool& made) {
  auto& slot = informers_[&type];
  made = !slot;
  if (made)
    slot = std::make_unique<client::InformerBase>(executor_, client_, log_.named("informer"), type);
  return *slot;
}

client::InformerBase& SharedInformers::get(const api::TypeDesc& type) {
  bool made = false;
  client::InformerBase& informer = make(type, made);
  informer.keep_whole();
  return informer;
}

client::InformerBase& SharedInformers::get_metadata(const api::TypeDesc& type) {
  bool made = false;
  client::InformerBase& informer = make(type, made);
  if (made) informer.keep_metadata_only();
  return informer;
}

void SharedInformers::start() {
  for (auto& [type, informer] : informers_) informer->start();
}

async::Task<void> SharedInformers::stop() {
  for (auto& [type, informer] : informers_) co_await informer->stop();
}

}  // namespace kpp::controllers
