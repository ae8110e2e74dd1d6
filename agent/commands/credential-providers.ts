// Where kubelet's credential provider plugins are: as the settings say, else as kubelet's command line does.
import type { Config } from '../config.ts';
import { createHostReader } from '../node/host/host-reader.ts';
import { findKubeletProviders, type KubeletProviders } from '../node/kubernetes/kubelet.ts';

/** Paths of the host; null where there are none, or nobody says where. */
export async function findCredentialProviders(
  config: Pick<Config, 'hostRoot' | 'credentialProviderConfig' | 'credentialProviderBinDir'>,
): Promise<KubeletProviders | null> {
  const { credentialProviderConfig: configFile, credentialProviderBinDir: binDir } = config;
  if (configFile !== undefined && binDir !== undefined) return { configFile, binDir };
  const found = await findKubeletProviders(createHostReader(config.hostRoot));
  if (found === null) return null;
  return { configFile: configFile ?? found.configFile, binDir: binDir ?? found.binDir };
}
