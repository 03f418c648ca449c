/** Who is where on the two sides of the link. Addresses are those that documentation may use (RFC 5737), so they are nobody's. */
export const homeAddress = '10.99.0.2';

export const farAddresses = { gateway: '10.99.0.1', dav: '203.0.113.10', s3: '203.0.113.20', hook: '203.0.113.30', ntfy: '203.0.113.31', mqtt: '203.0.113.40', proxy: '203.0.113.50', undeclared: '203.0.113.99' } as const;

export const farNames: Readonly<Record<string, string>> = {
  'dav.far.test': farAddresses.dav, 's3.far.test': farAddresses.s3, 'hook.far.test': farAddresses.hook, 'ntfy.far.test': farAddresses.ntfy, 'mqtt.far.test': farAddresses.mqtt, 'proxy.far.test': farAddresses.proxy, 'undeclared.far.test': farAddresses.undeclared,
};

/** Where each of the declared listens that is spoken to: the webhook's host is reached by its proxy alone. */
export const farPorts: Readonly<Record<string, number>> = { [farAddresses.dav]: 443, [farAddresses.s3]: 443, [farAddresses.ntfy]: 443, [farAddresses.mqtt]: 8883, [farAddresses.proxy]: 3128 };

/** Users of the two units; numbers that no machine has. */
export const hubUser = 61_000;
export const courierUser = 61_001;
