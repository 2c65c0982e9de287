/** A Docker Engine newer than the one of this machine's Debian, for tests of what only newer ones can; kept in the user's cache. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, isProgram, mayInstall, run, type Say } from './kube-programs.ts';

/** Debian 13 has 26.1.5, which runs on Debian 12 with the containerd and runc of that. */
const SUITE = 'trixie';
const PACKAGES = ['docker.io'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The directory with `dockerd`, unpacked from Debian's packages and not installed. Throws an Error that says what cannot be had. */
export async function prepareNewerDocker(say: Say): Promise<string> {
  const target = join(cacheFolder(), `docker-${SUITE}`);
  if (await isProgram(join(target, 'dockerd'))) return target;
  mayInstall(`Docker of Debian ${SUITE}`);
  say(`getting Docker of Debian ${SUITE}, once`);
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-docker-'));
  try {
    const sources = join(folder, 'sources.list');
    await writeFile(sources, `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${SUITE} main\n`);
    for (const name of ['lists/partial', 'cache/archives/partial'])
      await mkdir(join(folder, name), { recursive: true });
    const settings = {
      'Dir::Etc::sourcelist': sources,
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::Lists': join(folder, 'lists'),
      'Dir::Cache': join(folder, 'cache'),
      'APT::Sandbox::User': 'root',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    await run('apt-get', [...options, 'update', '-qq'], folder);
    await run('apt-get', [...options, 'download', '-qq', ...PACKAGES], folder);
    await run('sh', ['-c', 'for deb in ./*.deb; do dpkg-deb -x "$deb" root; done; mkdir programs'], folder);
    await run(
      'sh',
      ['-c', 'find root -type f -perm -u+x \\( -path "*/bin/*" -o -path "*/sbin/*" \\) -exec cp {} programs/ \\;'],
      folder,
    );
    await mkdir(cacheFolder(), { recursive: true });
    await run('cp', ['-r', join(folder, 'programs'), `${target}.new`], folder);
    await rm(target, { recursive: true, force: true });
    await rename(`${target}.new`, target);
    if (!(await readdir(target)).includes('dockerd')) throw new Error(`Debian ${SUITE} has no dockerd`);
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
