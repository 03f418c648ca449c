/** What a program in the jail must not do: words for test/native/probe.c, as test/slow/jail.test.ts and arm64.test.ts have it tried, outside, where it works, and inside. */
export interface Case {
  readonly words: readonly string[];
  /** What enforces it: calls at every level, files from ABI 1 on, the port from ABI 4 on. */
  readonly by: 'calls' | 'files' | 'port';
}

export interface Surroundings {
  /** The path of a name in the folder of `filesOfCases`. */
  readonly at: (name: string) => string;
  readonly probe: string;
  /** A process of the same user outside of the jail, and an address at which something of it lies. */
  readonly victim: { readonly pid: string; readonly address: string };
  /** Somebody listens there, and it is not the port of the jail. */
  readonly otherPort: string;
  readonly arch: string;
}

/** What lies in the folder before each round. */
export const filesOfCases = [['working.key', 'the hub\'s key'], ['kept', 'kept'], ['kept2', 'kept']] as const;
/** What a round may leave there. */
export const madeByCases = ['new', 'folder', 'linked', 'symlinked'] as const;

export function casesOf({ at, probe, victim: inHub, otherPort, arch }: Surroundings): readonly Case[] {
  return [
    ...([
      ['read_file', '/etc/passwd'], ['read_file', at('working.key')], ['read_file', `/proc/${inHub.pid}/cmdline`], ['read_file', '/proc/self/status'], ['list_folder', at('')], ['list_folder', '/etc'],
      ['write_file', at('new')], ['write_file', at('kept')], ['make_folder', at('folder')], ['rename_file', at('kept'), at('kept2')], ['link_file', at('working.key'), at('linked')],
      ['symlink_file', '/etc/passwd', at('symlinked')], ['truncate_file', at('kept2')], ['remove_file', at('kept2')],
      ['read_memory_of_process', inHub.pid], ['read_environment_of_process', inHub.pid],
    ] as const).map((words) => ({ words, by: 'files' as const })),
    ...([['connect_tcp', otherPort], ['fast_open_tcp', otherPort]] as const).map((words, index) => ({ words, by: index === 0 ? 'port' as const : 'calls' as const })),
    ...([
      ['bind_tcp'], ['listen_tcp'], ['udp_socket'], ['udp6_socket'], ['raw_socket'], ['packet_socket'], ['netlink_socket'], ['unix_socket'], ['socket_pair'],
      ['exec_program', '/bin/true'], ['exec_itself', probe], ['exec_from_the_jails_place', '/bin/true'], ['move_memory_there'], ['exec_at', '/bin/true'],
      ['fork_process'], ['clone_process'], ['clone3_process'], ...(arch === 'x64' ? [['vfork_process']] : []),
      ['signal_process', inHub.pid], ['signal_thread', inHub.pid], ['signal_by_queue', inHub.pid], ['signal_group'], ['signal_everybody'], ['open_pidfd', inHub.pid],
      ['trace_process', inHub.pid], ['vm_read_process', inHub.pid, inHub.address], ['change_priority_of_process', inHub.pid], ['limits_of_process', inHub.pid],
      ['mount_folder', at('')], ['new_namespace'], ['change_root', '/'], ['key_ring'], ['bpf_map'], ['perf_event'], ['io_uring'], ['user_fault'], ['change_personality'],
      ['memory_file'], ['shared_memory'], ['kernel_log'], ['own_session'], ['raise_limit'], ['outlive_parent'], ['be_dumpable'], ['change_mode', at('working.key')],
      ['open_many_files'], ['fill_memory', '700'],
    ] as string[][]).map((words) => ({ words, by: 'calls' as const })),
  ];
}

/** Needs root or a kernel that has it: where the control fails, there is nothing to refuse. */
export const mayBeMissing = new Set([
  'raw_socket', 'packet_socket', 'mount_folder', 'new_namespace', 'change_root', 'key_ring', 'bpf_map', 'perf_event', 'io_uring', 'user_fault', 'kernel_log', 'raise_limit', 'fast_open_tcp',
  'trace_process', 'vm_read_process', 'read_memory_of_process',
]);

/** In the action's own name, by what a rule answers. Not ENOENT and the like: that would be an accident. */
export function refusal(name: string): RegExp {
  return new RegExp(`^${name} (?:EPERM|EACCES|ENOSYS|ENOMEM|EMFILE|EXDEV)$`);
}
